#!/bin/sh
# Runs beside the cloud broker and applies what cloud/enroll has written, without a restart. Started by start.sh.
set -eu

# shellcheck source=mosquitto/cloud/control.sh disable=SC1091 # it is not followed when this file is checked alone
. "$(dirname "$0")/control.sh"

send_until_accepted() {
    until send "$@"; do
        broker_runs || exit 0
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
while broker_runs; do
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
