#!/bin/sh
# Beside the running cloud broker: takes over what cloud/enroll has written, without a restart. Started by start.sh.
set -eu

# The plugin's own way; saying it all again changes nothing. The name and password are in CLOUD_IDENTITY/mosquitto_pub.
tell_rights() {
    XDG_CONFIG_HOME=$CLOUD_IDENTITY mosquitto_pub -V 5 -h "$host" -p "$CLOUD_BROKER_PORT" -q 1 \
        -t "\$CONTROL/dynamic-security/v1" -f "$CLOUD_IDENTITY/changes.json" 2>/dev/null
}

take_over() {
    until tell_rights; do
        kill -0 "$BROKER" 2>/dev/null || exit 0
        sleep 0.2
    done
    echo "$version" >"$CLOUD_BROKER_DATA/applied"
}

read_line() {
    line=
    [ ! -r "$CLOUD_IDENTITY/$1" ] || read -r line <"$CLOUD_IDENTITY/$1" || true
}

host=$CLOUD_BROKER_LISTEN
[ "$host" != 0.0.0.0 ] || host=127.0.0.1
answered=
read_line version
version=$line
take_over # only now does the broker listen to signals
while kill -0 "$BROKER" 2>/dev/null; do
    read_line version
    if [ "$line" != "$version" ]; then
        version=$line
        kill -HUP "$BROKER" # first: whoever is thrown out next must not come back
        take_over
    fi
    read_line asked
    if [ "$line" != "$answered" ]; then
        answered=$line
        echo "$answered" >"$CLOUD_BROKER_DATA/answered"
    fi
    sleep 0.5
done
