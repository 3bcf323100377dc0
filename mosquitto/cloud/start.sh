#!/bin/sh
# Starts the cloud broker: checks the settings, makes the uploader's session once, becomes Mosquitto. Two helpers stay
# beside it: watch.sh takes over what cloud/enroll writes, log.awk makes the log readable.
set -eu
export LC_ALL=C # a-z are 26 letters
here=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "cloud-broker: $1" >&2
    exit 64
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

# Mosquitto itself only logs that it cannot save, and forgets the uploader's session at its next stop.
check_writable() {
    if ! (: >"$2/.writable") 2>/dev/null; then
        fail "cannot write to $1=$2; make it a folder that uid $(id -u) may write to"
    fi
    rm -f "$2/.writable"
}

user() {
    name=$(id -un 2>/dev/null) || name=$(id -u) # a number without a name is printed, and is an error
    echo "$name"
}

# Paths go into a sed replacement, where these three mean something.
quoted() {
    printf '%s' "$1" | sed 's/[&|\\]/\\&/g'
}

fill() {
    sed -e "s|@USER@|$(user)|" \
        -e "s|@CLOUD_LISTEN@|$CLOUD_LISTEN|" \
        -e "s|@CLOUD_PORT@|$CLOUD_PORT|" \
        -e "s|@CLOUD_BROKER_LISTEN@|$CLOUD_BROKER_LISTEN|" \
        -e "s|@CLOUD_BROKER_PORT@|$CLOUD_BROKER_PORT|" \
        -e "s|@CLOUD_BROKER_DATA@|$(quoted "$CLOUD_BROKER_DATA")|" \
        -e "s|@CLOUD_IDENTITY@|$(quoted "$CLOUD_IDENTITY")|" \
        -e "s|@RUN_DIR@|$(quoted "$RUN_DIR")|" \
        -e "s|@PLUGIN@|$(quoted "$plugin")|" \
        "$here/mosquitto.conf"
}

# Where the official image, Debian and Homebrew keep the plugin that comes with Mosquitto.
find_plugin() {
    root=$(dirname "$(command -v "$mosquitto")")/../lib
    for plugin in /usr/lib /usr/lib/*/ /usr/lib/*/mosquitto /usr/local/lib /opt/homebrew/lib "$root"; do
        plugin=$plugin/mosquitto_dynamic_security.so
        [ ! -r "$plugin" ] || return 0
    done
    fail "there is no mosquitto_dynamic_security.so; install a Mosquitto that has its dynamic-security plugin"
}

# One line in, one line out: mawk alone waits for a block unless told otherwise.
filter_log() {
    interactive=
    awk -W version </dev/null 2>&1 | grep -q mawk && interactive='-W interactive'
    # shellcheck disable=SC2086 # nothing or two words
    exec awk $interactive -v connected="$CLOUD_BROKER_DATA/connected" -f "$here/log.awk"
}

# A broker that nobody has subscribed to says yes to images and drops them. So before its ports open for the first time it
# runs behind a socket file and the uploader's subscription is made there: from then on images wait for the uploader.
# The second topic is the question of `uploader check`.
make_session() {
    echo "cloud-broker: first start, making the uploader's session"
    cd "$RUN_DIR" # a socket's path must be short, so it is a mere name
    rm -f first-start.sock
    fill | grep -E '^(user|persistence|log_timestamp)' >first-start.conf
    printf '%s\n' 'listener 0 first-start.sock' 'allow_anonymous true' >>first-start.conf
    "$mosquitto" -c first-start.conf &
    broker=$!
    tries=100
    until mosquitto_sub --unix first-start.sock -V 5 -c -i uploader -q 1 -t 'usbcam/+/images' -t 'usbcam/_/receipts' -E 2>/dev/null; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ] || ! kill -0 "$broker" 2>/dev/null; then
            kill "$broker" 2>/dev/null || true
            fail "could not make the uploader's session; the lines above say why"
        fi
        sleep 0.1
    done
    kill "$broker" # and it saves
    wait "$broker" && [ -s "$CLOUD_BROKER_DATA/mosquitto.db" ] || fail "could not save the uploader's session; see above"
    rm -f first-start.sock
}

CLOUD_LISTEN=${CLOUD_LISTEN:-0.0.0.0}
CLOUD_PORT=${CLOUD_PORT:-8883}
CLOUD_BROKER_LISTEN=${CLOUD_BROKER_LISTEN:-0.0.0.0}
CLOUD_BROKER_PORT=${CLOUD_BROKER_PORT:-1883}
CLOUD_BROKER_DATA=${CLOUD_BROKER_DATA:-/mosquitto/data}
CLOUD_IDENTITY=${CLOUD_IDENTITY:-/mosquitto/identity}
RUN_DIR=${RUN_DIR:-/tmp}
mosquitto=${MOSQUITTO:-mosquitto}
PATH=$PATH:/usr/sbin:/usr/local/sbin # where Debian and Homebrew keep the broker

for program in "$mosquitto" mosquitto_sub; do
    command -v "$program" >/dev/null || fail "there is no program $program; install Mosquitto 2.0 or newer and its clients"
done
check_address CLOUD_LISTEN "$CLOUD_LISTEN"
check_address CLOUD_BROKER_LISTEN "$CLOUD_BROKER_LISTEN"
check_port CLOUD_PORT "$CLOUD_PORT"
check_port CLOUD_BROKER_PORT "$CLOUD_BROKER_PORT"
check_writable CLOUD_BROKER_DATA "$CLOUD_BROKER_DATA"
check_writable RUN_DIR "$RUN_DIR"

[ -r "$CLOUD_IDENTITY/version" ] || fail "there are no certificates in $CLOUD_IDENTITY; python -m enroll --prepare makes them"
find_plugin

if [ ! -s "$CLOUD_BROKER_DATA/mosquitto.db" ]; then
    (make_session)
fi
umask 077
fill >"$RUN_DIR/cloud-broker.conf"
read -r VERSION <"$CLOUD_IDENTITY/version"
cp "$CLOUD_IDENTITY/clients.json" "$RUN_DIR/clients.json" # the plugin writes to it; what counts is with cloud/enroll
for answer in applied answered connected; do # files in which cloud/enroll reads how things are
    : >"$CLOUD_BROKER_DATA/$answer"
done
rm -f "$RUN_DIR/log"
mkfifo "$RUN_DIR/log"
filter_log <"$RUN_DIR/log" &
BROKER=$$
export BROKER VERSION CLOUD_IDENTITY CLOUD_BROKER_DATA CLOUD_BROKER_LISTEN CLOUD_BROKER_PORT
sh "$here/watch.sh" >/dev/null 2>&1 &
exec "$mosquitto" -c "$RUN_DIR/cloud-broker.conf" >"$RUN_DIR/log" 2>&1
