#!/bin/sh
# Beside the running cloud broker: takes over what cloud/enroll has written, without a restart. Started by start.sh.
set -eu

# To the plugin, in its own way. The name and password are in CLOUD_IDENTITY/mosquitto_pub.
tell() {
    XDG_CONFIG_HOME=$CLOUD_IDENTITY mosquitto_pub -V 5 -h "$host" -p "$CLOUD_BROKER_PORT" -q 1 \
        -t "\$CONTROL/dynamic-security/v1" "$@" 2>/dev/null
}

tell_until_heard() {
    until tell "$@"; do
        kill -0 "$BROKER" 2>/dev/null || exit 0
        sleep 0.2
    done
    echo "$VERSION" >"$CLOUD_BROKER_DATA/applied"
}

read_line() {
    line=
    [ ! -r "$CLOUD_IDENTITY/$1" ] || read -r line <"$CLOUD_IDENTITY/$1" || true
}

host=$CLOUD_BROKER_LISTEN
[ "$host" != 0.0.0.0 ] || host=127.0.0.1
answered=
tell_until_heard -m '{"commands": []}' # from now on the broker listens to signals; VERSION is what it has read
while kill -0 "$BROKER" 2>/dev/null; do
    read_line version
    if [ "$line" != "$VERSION" ]; then
        VERSION=$line
        kill -HUP "$BROKER" # first: whoever is thrown out next must not come back
        tell_until_heard -f "$CLOUD_IDENTITY/changes.json" # saying it again changes nothing
    fi
    read_line asked
    if [ "$line" != "$answered" ]; then
        answered=$line
        echo "$answered" >"$CLOUD_BROKER_DATA/answered"
    fi
    sleep 0.5
done
