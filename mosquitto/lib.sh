#!/bin/sh
# What both brokers' start.sh share; each sources it after setting `service`, the name with which its messages begin.
export LC_ALL=C # a-z are 26 letters
RUN_DIR=${RUN_DIR:-/tmp}
PATH=$PATH:/usr/sbin:/usr/local/sbin # where Debian and Homebrew install the broker

fail() {
    # shellcheck disable=SC2154 # set by start.sh
    echo "$service: $1" >&2
    exit 64
}

check_program() {
    command -v "$1" >/dev/null || fail "there is no program $1; install Mosquitto 2.0 or newer and its clients"
}

check_port() {
    case $2 in
        *[!0-9]* | '' | ??????*) fail "$1=$2 is not a port; set $1 in .env to a number from 1 to 65535" ;;
    esac
    if [ "$2" -lt 1 ] || [ "$2" -gt 65535 ]; then
        fail "$1=$2 is not a port; set $1 in .env to a number from 1 to 65535"
    fi
}

check_address() {
    case $2 in
        *[!A-Za-z0-9.:]*) fail "$1=$2 is not an address to listen on; set for example $1=127.0.0.1" ;;
    esac
}

# Mosquitto itself only logs that it cannot save, and loses what it queued at its next stop.
check_writable() {
    if ! (: >"$2/.writable") 2>/dev/null; then
        fail "cannot write to $1=$2; make it a folder that uid $(id -u) may write to"
    fi
    rm -f "$2/.writable"
}

# The user who runs this, for mosquitto.conf.
user() {
    name=$(id -un 2>/dev/null) || name=$(id -u) # a number without a name is printed, and is an error
    echo "$name"
}

# Paths go into a sed replacement, where these three characters are special.
quoted() {
    printf '%s' "$1" | sed 's/[&|\\]/\\&/g'
}

# The address at which a program on this machine reaches a listener.
local_address() {
    case $1 in
        0.0.0.0) echo 127.0.0.1 ;;
        *) echo "$1" ;;
    esac
}
