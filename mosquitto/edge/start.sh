#!/bin/sh
# Starts the edge broker: checks the settings, fills them into mosquitto.conf, becomes Mosquitto.
set -eu
export LC_ALL=C # a-z are 26 letters

fail() {
    echo "edge-broker: $1" >&2
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

# Mosquitto itself only logs that it cannot save, and loses the queue at its next stop.
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

EDGE_NAME=${EDGE_NAME:-}
CLOUD_HOST=${CLOUD_HOST:-}
CLOUD_PORT=${CLOUD_PORT:-8883}
EDGE_BROKER_LISTEN=${EDGE_BROKER_LISTEN:-0.0.0.0}
EDGE_BROKER_PORT=${EDGE_BROKER_PORT:-1883}
EDGE_BROKER_DATA=${EDGE_BROKER_DATA:-/mosquitto/data}
RUN_DIR=${RUN_DIR:-/tmp}
mosquitto=${MOSQUITTO:-mosquitto}
PATH=$PATH:/usr/sbin:/usr/local/sbin # where Debian and Homebrew keep the broker

case $EDGE_NAME in
    '') fail "EDGE_NAME is not set; give this edge a name in .env, for example EDGE_NAME=porch" ;;
    *[!a-z0-9-]* | -* | status | images | receipts)
        fail "EDGE_NAME=$EDGE_NAME cannot be a name; use a-z, 0-9 and -, not first, and not status, images or receipts" ;;
esac
[ ${#EDGE_NAME} -le 63 ] || fail "EDGE_NAME is ${#EDGE_NAME} characters long; set a name of at most 63 in .env"
case $CLOUD_HOST in
    '') fail "CLOUD_HOST is not set; set it in .env to the name or address of the cloud broker's host" ;;
    *[!A-Za-z0-9._-]*) fail "CLOUD_HOST=$CLOUD_HOST is not a host; set a name or an IPv4 address in .env, without port" ;;
esac
case $EDGE_BROKER_LISTEN in
    *[!A-Za-z0-9.:]*) fail "EDGE_BROKER_LISTEN=$EDGE_BROKER_LISTEN is not an address; set for example 127.0.0.1" ;;
esac
command -v "$mosquitto" >/dev/null || fail "there is no program $mosquitto; install Mosquitto 2.0 or newer"
check_port CLOUD_PORT "$CLOUD_PORT"
check_port EDGE_BROKER_PORT "$EDGE_BROKER_PORT"
check_writable EDGE_BROKER_DATA "$EDGE_BROKER_DATA"
check_writable RUN_DIR "$RUN_DIR"

sed -e "s|@USER@|$(user)|" \
    -e "s|@EDGE_NAME@|$EDGE_NAME|g" \
    -e "s|@CLOUD_HOST@|$CLOUD_HOST|" \
    -e "s|@CLOUD_PORT@|$CLOUD_PORT|" \
    -e "s|@EDGE_BROKER_LISTEN@|$EDGE_BROKER_LISTEN|" \
    -e "s|@EDGE_BROKER_PORT@|$EDGE_BROKER_PORT|" \
    -e "s|@EDGE_BROKER_DATA@|$(quoted "$EDGE_BROKER_DATA")|" \
    "$(dirname "$0")/mosquitto.conf" >"$RUN_DIR/edge-broker.conf"

exec "$mosquitto" -c "$RUN_DIR/edge-broker.conf"
