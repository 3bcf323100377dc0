#!/bin/sh
# Runs alongside the cloud broker, started by start.sh: applies what cloud/enroll has written, without a restart, and lets in
# again whom hold.sh holds off.
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

# A session ends when its client id connects for a clean start. Only so: the broker keeps those of unknown names, too. Each
# once in a run of the broker: there may be thousands.
forget_revoked() {
    cp "$CLOUD_IDENTITY/revoked" "$RUN_DIR/forgetting" 2>/dev/null || return 0
    while read -r name; do
        ! grep -qxF "$name" "$RUN_DIR/forgotten" 2>/dev/null || continue
        mosquitto_sub -V 5 -h "$BROKER_HOST" -p "$CLOUD_BROKER_PORT" -i "$name" -t "\$SYS/broker/uptime" -E -W 5 \
            </dev/null 2>/dev/null || true
    done <"$RUN_DIR/forgetting"
    mv -f "$RUN_DIR/forgetting" "$RUN_DIR/forgotten" # without those that were enrolled again
}

# Until it is time, whoever comes back is sent away.
tend_held() {
    for file in "$RUN_DIR"/held/*; do
        name=${file##*/}
        [ "$name" != '*' ] || return 0
        read -r end <"$file" || continue
        if [ "$(date +%s)" -ge "$end" ]; then
            ! change_edge addClientRole "$name" || rm -f "$file"
        elif grep -qxF "$name" "$CLOUD_BROKER_DATA/connected"; then
            change_edge '' "$name" || true
        fi
    done
}

# As the first process of a container it cannot be killed from inside; asked to end, it saves what start.sh then drops.
end_broker() {
    if [ "$BROKER" -eq 1 ]; then kill -TERM "$BROKER"; else kill -KILL "$BROKER"; fi
}

read_line() {
    line=
    [ ! -r "$CLOUD_IDENTITY/$1" ] || read -r line <"$CLOUD_IDENTITY/$1" || true
}

answered=
send_until_accepted -m '{"commands": []}' # from now on the broker handles signals; VERSION is what it has read
while broker_runs; do
    : >"$RUN_DIR/watching" # for health.sh
    tend_held
    read_line version
    if [ "$line" != "$VERSION" ]; then
        VERSION=$line
        kill -HUP "$BROKER" # first: whoever is disconnected next must not come back
        send_until_accepted -f "$CLOUD_IDENTITY/changes.json" # repeating the commands changes nothing
    fi
    if [ -e "$CLOUD_BROKER_DATA/stuck" ]; then # start.sh begins anew
        : >"$CLOUD_BROKER_DATA/unreadable"
        end_broker
    fi
    read_line asked
    if [ "$line" != "$answered" ]; then
        answered=$line
        echo "$answered" >"$CLOUD_BROKER_DATA/answered"
    fi
    sleep 0.5
done
