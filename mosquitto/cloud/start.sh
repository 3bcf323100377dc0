#!/bin/sh
# Starts the cloud broker: checks the settings, creates the uploader's session once, becomes Mosquitto. Two programs run
# alongside: watch.sh applies what cloud/enroll writes, log.awk makes the log readable. health.sh asks whether they do.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
service=cloud-broker
lib=$here/lib.sh # Kubernetes mounts all files in one folder
[ -r "$lib" ] || lib=$here/../lib.sh
# shellcheck source=mosquitto/lib.sh disable=SC1091 # it is not followed when this file is checked alone
. "$lib"

# Where the official image, Debian and Homebrew install the plugin that comes with Mosquitto.
find_plugin() {
    root=$(dirname "$(command -v "$mosquitto")")/../lib
    for plugin in /usr/lib /usr/lib/*/ /usr/lib/*/mosquitto /usr/local/lib /opt/homebrew/lib "$root"; do
        plugin=$plugin/mosquitto_dynamic_security.so
        [ ! -r "$plugin" ] || return 0
    done
    fail "there is no mosquitto_dynamic_security.so; install a Mosquitto that has its dynamic-security plugin"
}

# Line by line: mawk waits for a whole block unless told otherwise.
filter_log() {
    interactive=
    awk -W version </dev/null 2>&1 | grep -q mawk && interactive='-W interactive'
    # shellcheck disable=SC2086 # nothing or two words
    awk $interactive -v connected="$CLOUD_BROKER_DATA/connected" -v stuck="$CLOUD_BROKER_DATA/stuck" \
        -v unreadable="$CLOUD_BROKER_DATA/unreadable" -v read_for="$RUN_DIR/read-for" -v hold="$hold" \
        -v hold_seconds="$CLOUD_HOLD_SECONDS" -f "$here/log.awk"
}

# Runs a program alongside the broker for as long as the broker does: again when it fails, and says so. Its standard input
# stays open meanwhile, so that the broker can write its log.
keep_running() {
    until "$@"; do
        kill -0 "$BROKER" 2>/dev/null || return 0
        echo "$service: $* has ended; starting it again" >&2
        sleep 1
    done
}

# A broker without subscribers accepts images and drops them. So before its ports open for the first time, it runs behind a
# Unix socket, where the uploader's subscription is created: from then on images wait for the uploader.
# The second topic carries the status request of `uploader check`.
create_session() {
    echo "$service: first start, creating the uploader's session"
    cd "$RUN_DIR" # a socket's path must be short, so it is only a name
    rm -f first-start.sock
    printf '%s\n' "$config" | grep -E '^(user|persistence|log_timestamp)' >first-start.conf || fail "cannot prepare first-start.conf"
    printf '%s\n' 'listener 0 first-start.sock' 'allow_anonymous true' >>first-start.conf
    "$mosquitto" -c first-start.conf &
    broker=$!
    tries=100
    until mosquitto_sub --unix first-start.sock -V 5 -c -i uploader -q 1 -t 'usbcam/+/images' -t 'usbcam/_/receipts' -E 2>/dev/null; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ] || ! kill -0 "$broker" 2>/dev/null; then
            kill "$broker" 2>/dev/null || true
            fail "could not create the uploader's session; the lines above say why"
        fi
        sleep 0.1
    done
    kill "$broker" # which makes it save
    wait "$broker" && [ -s "$CLOUD_BROKER_DATA/mosquitto.db" ] || fail "could not save the uploader's session; see above"
    rm -f first-start.sock
}

CLOUD_LISTEN=${CLOUD_LISTEN:-0.0.0.0}
CLOUD_PORT=${CLOUD_PORT:-8883}
CLOUD_BROKER_LISTEN=${CLOUD_BROKER_LISTEN:-0.0.0.0}
CLOUD_BROKER_PORT=${CLOUD_BROKER_PORT:-1883}
CLOUD_BROKER_DATA=${CLOUD_BROKER_DATA:-/mosquitto/data}
CLOUD_IDENTITY=${CLOUD_IDENTITY:-/mosquitto/identity}
CLOUD_HOLD_SECONDS=${CLOUD_HOLD_SECONDS:-30}
MAX_IMAGE_MB=${MAX_IMAGE_MB:-8}
mosquitto=${MOSQUITTO:-mosquitto}

check_files "$here" mosquitto.conf control.sh watch.sh hold.sh health.sh log.awk
check_program "$mosquitto"
# Mosquitto 2.0 counts its memory wrong when rights change: a few changes, and it believes that there is none left.
case $("$mosquitto" -h 2>/dev/null | sed -n '1s/.*version //p') in
    2.0.*) default_memory=0 hold= ;;
    *) default_memory=800000000 hold=$here/hold.sh ;;
esac
CLOUD_BROKER_MEMORY=${CLOUD_BROKER_MEMORY:-$default_memory}
check_program mosquitto_sub
check_address CLOUD_LISTEN "$CLOUD_LISTEN"
check_address CLOUD_BROKER_LISTEN "$CLOUD_BROKER_LISTEN"
check_image_size
check_port CLOUD_PORT "$CLOUD_PORT"
check_port CLOUD_BROKER_PORT "$CLOUD_BROKER_PORT"
check_writable CLOUD_BROKER_DATA "$CLOUD_BROKER_DATA"
check_writable RUN_DIR "$RUN_DIR"

[ -r "$CLOUD_IDENTITY/version" ] || fail "there are no certificates in $CLOUD_IDENTITY; python -m enroll --prepare makes them"
find_plugin
USER=$(user)
MAX_PACKET_SIZE=$((MAX_IMAGE_MB * 1048576))
MEMORY_LIMIT=$CLOUD_BROKER_MEMORY
PLUGIN=$plugin
export USER CLOUD_LISTEN CLOUD_PORT CLOUD_BROKER_LISTEN CLOUD_BROKER_PORT CLOUD_BROKER_DATA CLOUD_IDENTITY RUN_DIR PLUGIN \
    MAX_PACKET_SIZE MEMORY_LIMIT
config=$(fill "$here/mosquitto.conf")

drop_queue_after "$CLOUD_BROKER_DATA/unreadable"
if [ ! -s "$CLOUD_BROKER_DATA/mosquitto.db" ]; then
    (create_session)
fi
umask 077
printf '%s\n' "$config" >"$RUN_DIR/cloud-broker.conf"
read -r VERSION <"$CLOUD_IDENTITY/version"
cp "$CLOUD_IDENTITY/clients.json" "$RUN_DIR/clients.json" # the plugin writes to it; the original stays with cloud/enroll
for answer in applied answered connected; do # files by which cloud/enroll learns the broker's state
    : >"$CLOUD_BROKER_DATA/$answer"
done
rm -f "$RUN_DIR/log" "$RUN_DIR/watching" "$RUN_DIR/read-for" "$RUN_DIR/forgotten" "$CLOUD_BROKER_DATA/stuck"
rm -rf "$RUN_DIR/held" # a broker that starts has let everybody in again
mkdir "$RUN_DIR/held"
mkfifo "$RUN_DIR/log"
BROKER=$$
BROKER_HOST=$(local_address "$CLOUD_BROKER_LISTEN")
export BROKER BROKER_HOST VERSION CLOUD_IDENTITY CLOUD_BROKER_DATA CLOUD_BROKER_PORT
keep_running filter_log <"$RUN_DIR/log" &
keep_running sh "$here/watch.sh" </dev/null >/dev/null &
exec "$mosquitto" -c "$RUN_DIR/cloud-broker.conf" >"$RUN_DIR/log" 2>&1
