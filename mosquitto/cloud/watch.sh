#!/bin/sh
# Runs beside the cloud broker and applies what cloud/enroll has written, without a restart. Started by start.sh.
set -eu

# Sends commands to the plugin on its control topic. User name and password are in CLOUD_IDENTITY/mosquitto_pub.
send() {
    XDG_CONFIG_HOME=$CLOUD_IDENTITY mosquitto_pub -V 5 -h "$BROKER_HOST" -p "$CLOUD_BROKER_PORT" -q 1 \
        -t "\$CONTROL/dynamic-security/v1" "$@" 2>/dev/null
}

send_until_accepted() {
    until send "$@"; do
        kill -0 "$BROKER" 2>/dev/null || exit 0
        sleep 0.2
    done
    forget_revoked
    echo "$VERSION" >"$CLOUD_BROKER_DATA/applied"
}

# A session ends when its client id connects for a clean start. Only so: the broker keeps those of unknown names, too.
forget_revoked() {
    [ -r "$CLOUD_IDENTITY/revoked" ] || return 0
    while read -r name; do
        mosquitto_sub -V 5 -h "$BROKER_HOST" -p "$CLOUD_BROKER_PORT" -i "$name" -t "\$SYS/broker/uptime" -E -W 5 \
            </dev/null 2>/dev/null || true
    done <"$CLOUD_IDENTITY/revoked"
}

read_line() {
    line=
    [ ! -r "$CLOUD_IDENTITY/$1" ] || read -r line <"$CLOUD_IDENTITY/$1" || true
}

answered=
send_until_accepted -m '{"commands": []}' # from now on the broker handles signals; VERSION is what it has read
while kill -0 "$BROKER" 2>/dev/null; do
    read_line version
    if [ "$line" != "$VERSION" ]; then
        VERSION=$line
        kill -HUP "$BROKER" # first: whoever is disconnected next must not come back
        send_until_accepted -f "$CLOUD_IDENTITY/changes.json" # repeating the commands changes nothing
    fi
    if [ -e "$CLOUD_BROKER_DATA/stuck" ]; then # ended without saving; start.sh then begins anew
        : >"$CLOUD_BROKER_DATA/unreadable"
        kill -KILL "$BROKER"
    fi
    read_line asked
    if [ "$line" != "$answered" ]; then
        answered=$line
        echo "$answered" >"$CLOUD_BROKER_DATA/answered"
    fi
    sleep 0.5
done
