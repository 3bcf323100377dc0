#!/bin/sh
# Starts the edge broker: unpacks the token, checks the settings, fills them into mosquitto.conf, becomes Mosquitto.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
service=edge-broker
lib=$here/lib.sh # Kubernetes mounts all files in one folder
[ -r "$lib" ] || lib=$here/../lib.sh
# shellcheck source=mosquitto/lib.sh disable=SC1091 # it is not followed when this file is checked alone
. "$lib"

read_token() {
    if [ -z "$EDGE_TOKEN" ] && [ -n "$EDGE_TOKEN_FILE" ]; then
        EDGE_TOKEN=$(cat "$EDGE_TOKEN_FILE" 2>/dev/null) ||
            fail "cannot read EDGE_TOKEN_FILE=$EDGE_TOKEN_FILE; make it readable for uid $(id -u)"
    fi
    EDGE_TOKEN=$(printf '%s' "${EDGE_TOKEN#EDGE_TOKEN=}" | tr -d ' \r\n')
}

fail_damaged() {
    fail "EDGE_TOKEN is damaged; paste again the whole line that enroll printed, or make a new one on the cloud host: ./usbcam renew NAME"
}

# The token is gzip, and that has a checksum. Its text: lines NAME=VALUE, then the three files, each after its [name].
# It takes about 3,000 letters; so many could unpack to as much memory as there is.
unpack() {
    [ ${#EDGE_TOKEN} -le 16384 ] || fail_damaged
    text=$(printf '%s' "$EDGE_TOKEN" | base64 -d 2>/dev/null | gunzip 2>/dev/null) || fail_damaged
    [ "${text%%"$newline"*}" = "usbcam-edge 1" ] || fail_damaged
    for file in ca.crt edge.crt edge.key; do
        printf '%s\n' "$text" | sed -n "/^\[$file\]\$/,/^\[/{/^\[/!p;}" >"$RUN_DIR/$file"
        [ -s "$RUN_DIR/$file" ] || fail_damaged
    done
}

token_field() {
    printf '%s\n' "$text" | sed -n "s/^$1=//p"
}

check_name() {
    case $1 in
        *[!a-z0-9-]* | -* | '') fail "the token names no edge; make a new one on the cloud host: ./usbcam renew NAME" ;;
    esac
    if [ -n "$EDGE_NAME" ] && [ "$EDGE_NAME" != "$1" ]; then
        fail "EDGE_NAME=$EDGE_NAME, but the token is for $1; remove EDGE_NAME from .env, or enroll $EDGE_NAME"
    fi
}

check_expiry() {
    case $1 in *[!0-9]* | '') fail_damaged ;; esac
    left=$(($1 - $(date +%s)))
    [ "$left" -gt 0 ] || fail "the token of $EDGE_NAME has expired; make a new one on the cloud host: ./usbcam renew $EDGE_NAME"
    if [ "$left" -lt 2592000 ]; then
        echo "$service: the token of $EDGE_NAME expires in $((left / 86400)) days; make a new one on the cloud host: ./usbcam renew $EDGE_NAME" >&2
    fi
}

check_host() {
    case $1 in
        *[!A-Za-z0-9._-]* | '') fail "CLOUD_HOST=$1 is not a host; set a name or an IPv4 address in .env, without port" ;;
    esac
}

# Debian 12 has 2.0.11, whose list of sockets can become a ring when the other side aborts a TLS handshake.
warn_of_old_version() {
    case $version in
        2.0.[0-9] | 2.0.1[01])
            echo "$service: Mosquitto $version may hang when a TLS handshake is aborted; use 2.0.18 or newer," \
                "or the container" >&2 ;;
    esac
}

# Mosquitto 2.0 ends the link when the cloud refuses a topic, and tries that one again forever. So it forwards what the
# cloud takes and no more; 2.1 forwards everything and drops what is refused.
with_exact_topics() {
    case $version in
        2.0.*) sed '/^topic # out 1 /{h; s/#/images/p; g; s/#/visits/p; g; s/#/status\/+/;}' ;;
        *) cat ;;
    esac
}

# Without a token, mosquitto.conf is used without its bridge to the cloud, and images wait in the camera's spool.
without_bridge() {
    sed '/^# Bridge:/,$d'
}

without_homeassistant() {
    sed '/^# Home Assistant:/,/^$/d'
}

check_homeassistant() {
    case $HOMEASSISTANT_BROKER in
        *[!A-Za-z0-9._:-]* | *:*:* | :*) fail "HOMEASSISTANT_BROKER=$HOMEASSISTANT_BROKER is not a host; set a name or an IPv4 address, or HOST:PORT, in .env" ;;
        *:*) check_port HOMEASSISTANT_BROKER "${HOMEASSISTANT_BROKER##*:}" ;;
    esac
    if [ -n "$HOMEASSISTANT_PASSWORD" ] && [ -z "$HOMEASSISTANT_USER" ]; then
        fail "HOMEASSISTANT_PASSWORD is set, but not HOMEASSISTANT_USER; set both in .env, or neither"
    fi
}

# Without a login its lines are removed; without Home Assistant its whole section is.
with_homeassistant() {
    if [ -z "$HOMEASSISTANT_BROKER" ]; then
        without_homeassistant
    elif [ -z "$HOMEASSISTANT_USER" ]; then
        sed '/^remote_username /d; /^remote_password /d'
    elif [ -z "$HOMEASSISTANT_PASSWORD" ]; then
        sed '/^remote_password /d'
    else
        cat
    fi
}

# Publishes to the camera on this machine; retained, and on a topic that the bridge does not carry.
publish() {
    host=$(local_address "$EDGE_BROKER_LISTEN")
    tries=100
    until XDG_CONFIG_HOME=$RUN_DIR mosquitto_pub -h "$host" -p "$EDGE_BROKER_PORT" -r -q 1 -t "usbcam-bridge/$1" -m "$2" || [ "$tries" -eq 0 ]; do
        kill -0 $$ || return 0 # the broker has ended
        tries=$((tries - 1))
        sleep 0.2
    done
    rm -f "$EDGE_BROKER_DATA/starting"
}

# There is no bridge to publish its own state. By this the camera tries one capture now and then, and not all of them.
publish_no_token() {
    publish state 0
    publish token missing
}

# For `python -m camera doctor`; nothing in it is secret.
publish_token_info() {
    publish token "{\"name\": \"$EDGE_NAME\", \"host\": \"$CLOUD_HOST\", \"port\": $CLOUD_PORT, \"expires\": $expires}"
}

# For what the cameras tell Home Assistant. Without a token and EDGE_NAME the host's name must do.
publish_edge() {
    if [ -n "$HOMEASSISTANT_BROKER" ]; then bridged=true; else bridged=false; fi
    publish edge "{\"name\": \"$HOST\", \"homeassistant\": $bridged}"
}

with_bridge() {
    unpack
    name=$(token_field name)
    check_name "$name"
    EDGE_NAME=$name
    expires=$(token_field expires)
    check_expiry "$expires"
    CLOUD_HOST=${CLOUD_HOST:-$(token_field host)}
    CLOUD_PORT=${CLOUD_PORT:-$(token_field port)}
    check_host "$CLOUD_HOST"
    check_port CLOUD_PORT "$CLOUD_PORT"
    warn_of_old_version
}

# The camera's password is made once; the camera reads it from this file. The other is for this script alone. Mosquitto
# takes hashes only, which mosquitto_passwd makes of a file, so that no password is on a command line.
make_logins() {
    if [ ! -s "$EDGE_BROKER_PASSWORD_FILE" ]; then
        new_secret
        printf '%s\n' "$secret" | write_file "$EDGE_BROKER_PASSWORD_FILE" "$EDGE_BROKER_PASSWORD_MODE"
    fi
    password=$(cat "$EDGE_BROKER_PASSWORD_FILE") && [ -n "$password" ] ||
        fail "cannot read EDGE_BROKER_PASSWORD_FILE=$EDGE_BROKER_PASSWORD_FILE; remove it, and it is made again"
    new_secret
    printf 'camera:%s\nstart:%s\n' "$password" "$secret" >"$RUN_DIR/passwords"
    mosquitto_passwd -U "$RUN_DIR/passwords" || fail "mosquitto_passwd cannot hash the camera's password"
    printf -- '-u start\n-P %s\n' "$secret" >"$RUN_DIR/mosquitto_pub"
    cp "$here/rights" "$RUN_DIR/rights"
}

# What is queued under the bridge's old id would wait forever: then the camera sends it again.
make_bridge_id() {
    if [ ! -s "$EDGE_BROKER_DATA/bridge-id" ]; then
        rm -f "$EDGE_BROKER_DATA/mosquitto.db"
        new_secret
        printf '%s\n' "$secret" | write_file "$EDGE_BROKER_DATA/bridge-id" 600
    fi
    BRIDGE_ID=$(cat "$EDGE_BROKER_DATA/bridge-id")
}

umask 077
newline='
'
EDGE_TOKEN=${EDGE_TOKEN:-}
EDGE_TOKEN_FILE=${EDGE_TOKEN_FILE:-}
EDGE_NAME=${EDGE_NAME:-}
CLOUD_HOST=${CLOUD_HOST:-}
CLOUD_PORT=${CLOUD_PORT:-}
EDGE_BROKER_LISTEN=${EDGE_BROKER_LISTEN:-0.0.0.0}
EDGE_BROKER_PORT=${EDGE_BROKER_PORT:-1883}
EDGE_BROKER_DATA=${EDGE_BROKER_DATA:-/mosquitto/data}
EDGE_BROKER_PASSWORD_FILE=${EDGE_BROKER_PASSWORD_FILE:-$EDGE_BROKER_DATA/camera-password}
EDGE_BROKER_PASSWORD_MODE=${EDGE_BROKER_PASSWORD_MODE:-600} # set by Compose: there the camera is another user
MAX_IMAGE_MB=${MAX_IMAGE_MB:-8}
HOMEASSISTANT_BROKER=${HOMEASSISTANT_BROKER:-}
HOMEASSISTANT_USER=${HOMEASSISTANT_USER:-}
HOMEASSISTANT_PASSWORD=${HOMEASSISTANT_PASSWORD:-}
mosquitto=${MOSQUITTO:-mosquitto}

check_address EDGE_BROKER_LISTEN "$EDGE_BROKER_LISTEN"
check_files "$here" mosquitto.conf rights
check_program "$mosquitto"
check_program mosquitto_passwd
check_port EDGE_BROKER_PORT "$EDGE_BROKER_PORT"
check_image_size
check_homeassistant
check_writable EDGE_BROKER_DATA "$EDGE_BROKER_DATA"
check_writable RUN_DIR "$RUN_DIR"
read_token
version=$("$mosquitto" -h 2>/dev/null | sed -n '1s/.*version //p') || true
case $version in # at its limit, 2.0 refuses memory to the bridge as well, and never drains
    2.0.*) EDGE_BROKER_MEMORY=${EDGE_BROKER_MEMORY:-0} ;;
    *) EDGE_BROKER_MEMORY=${EDGE_BROKER_MEMORY:-350000000} ;;
esac

if [ -n "$EDGE_TOKEN" ]; then
    with_bridge
else
    echo "$service: no token yet, so captures wait on this machine; on the cloud host run" \
        "'./usbcam enroll NAME' and set the EDGE_TOKEN it prints in .env" >&2
fi
make_logins
make_bridge_id
drop_queue_after "$EDGE_BROKER_DATA/starting"
: >"$EDGE_BROKER_DATA/starting" # until the broker answers; nothing else here would see that it cannot read its queue
USER=$(user)
HOST=$(printf '%s' "${EDGE_NAME:-$(uname -n)}" | tr -c 'A-Za-z0-9-' '-')
MAX_PACKET_SIZE=$((MAX_IMAGE_MB * 1048576))
MEMORY_LIMIT=$EDGE_BROKER_MEMORY
export USER HOST BRIDGE_ID EDGE_NAME CLOUD_HOST CLOUD_PORT EDGE_BROKER_LISTEN EDGE_BROKER_PORT EDGE_BROKER_DATA RUN_DIR \
    MAX_PACKET_SIZE MEMORY_LIMIT HOMEASSISTANT_BROKER HOMEASSISTANT_USER HOMEASSISTANT_PASSWORD
config=$(fill "$here/mosquitto.conf")
change_config with_homeassistant
if [ -n "$EDGE_TOKEN" ]; then
    change_config with_exact_topics
    { publish_edge && publish_token_info; } >/dev/null 2>&1 &
else
    change_config without_bridge
    { publish_edge && publish_no_token; } >/dev/null 2>&1 &
fi
printf '%s\n' "$config" >"$RUN_DIR/edge-broker.conf"
unset EDGE_TOKEN HOMEASSISTANT_PASSWORD text config secret password

exec "$mosquitto" -c "$RUN_DIR/edge-broker.conf"
