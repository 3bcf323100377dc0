#!/bin/sh
# Holds an edge off: hold.sh NAME SECONDS takes its rights, ends its connections, and lets it in again later. log.awk
# starts it for an edge that sends what no bridge of ours sends. Nothing is lost: a camera keeps what has no receipt.
set -eu
# shellcheck source=mosquitto/cloud/control.sh disable=SC1091 # it is not followed when this file is checked alone
. "$(dirname "$0")/control.sh"
name=$1
left=$2

# The plugin does not ask whether a client is disabled when its certificate is its name: it only ends its connection.
change() {
    role="\"username\": \"$name\", \"rolename\": \"edge-$name\""
    until send -m "{\"commands\": [$(
        [ -z "$1" ] || printf '{"command": "%s", %s}, ' "$1" "$role"
        printf '{"command": "disableClient", "username": "%s"}, {"command": "enableClient", "username": "%s"}' "$name" "$name"
    )]}"; do
        broker_runs || exit 0
        sleep 0.2
    done
}

change removeClientRole
while [ "$left" -gt 0 ] && broker_runs; do
    sleep 1
    left=$((left - 1))
    ! grep -qxF "$name" "$CLOUD_BROKER_DATA/connected" || change ''
done
change addClientRole
