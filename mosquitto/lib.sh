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

# A program that is missing would only be missed later, by nobody.
check_files() {
    folder=$1
    shift
    for file; do
        [ -r "$folder/$file" ] || fail "there is no $folder/$file; mount or copy the whole folder mosquitto/, readable for uid $(id -u)"
    done
}

check_port() {
    case $2 in
        *[!0-9]* | '' | ??????*) fail "$1=$2 is not a port; set $1 in .env to a number from 1 to 65535" ;;
    esac
    if [ "$2" -lt 1 ] || [ "$2" -gt 65535 ]; then
        fail "$1=$2 is not a port; set $1 in .env to a number from 1 to 65535"
    fi
}

# Both brokers, the camera and the uploader follow this one setting.
check_image_size() {
    case $MAX_IMAGE_MB in
        [1-9] | [1-5][0-9] | 6[0-4]) ;;
        *) fail "MAX_IMAGE_MB=$MAX_IMAGE_MB is not a size; set MAX_IMAGE_MB in .env to a number from 1 to 64" ;;
    esac
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

# Replaces each @NAME@ outside comments by the exported variable of that name, in one pass: never inside a value.
fill() {
    # shellcheck disable=SC2016 # the program is awk's
    awk '/^#/ { print; next }
    {
        line = ""
        while (match($0, /@[A-Z_]+@/)) {
            name = substr($0, RSTART + 1, RLENGTH - 2)
            if (!(name in ENVIRON) || ENVIRON[name] ~ /[\r\n]/) {
                print "@" name "@ has no value, or one of several lines" >"/dev/stderr"
                exit 1
            }
            line = line substr($0, 1, RSTART - 1) ENVIRON[name]
            $0 = substr($0, RSTART + RLENGTH)
        }
        print line $0
    }' "$1" || fail "cannot fill in $1; the line above says why"
}

# Replaces the variable `config` by what a filter makes of it; a pipe alone would hide that the filter failed.
change_config() {
    config=$(printf '%s\n' "$config" | "$@") && [ -n "$config" ] || fail "cannot prepare mosquitto.conf: $1 failed"
}

# A queue that does not fit into the memory limit cannot be read, now or ever; Mosquitto 2.1 then ends and saves an empty
# one, without the uploader's session. The mark says that this happened, or that watch.sh found the broker stuck.
drop_queue_after() {
    [ -e "$1" ] || return 0
    echo "$service: the last run could not read its queue or was stuck at its memory limit, so the queue is dropped; cameras send again what is not stored" >&2
    rm -f "${1%/*}/mosquitto.db" "${1%/*}/mosquitto.db.new" "$1"
}

new_secret() {
    secret=$(head -c 32 /dev/urandom | base64 | tr -d '+/=\n')
    [ ${#secret} -ge 32 ] || fail "cannot make a password from /dev/urandom"
}

# Writes standard input to a file, as a whole or not at all.
write_file() {
    { cat >"$1.part" && chmod "$2" "$1.part" && mv -f "$1.part" "$1"; } ||
        fail "cannot write $1; make its folder one that uid $(id -u) may write to"
}

# The address at which a program on this machine reaches a listener.
local_address() {
    case $1 in
        0.0.0.0) echo 127.0.0.1 ;;
        *) echo "$1" ;;
    esac
}
