#!/bin/sh
# How watch.sh and hold.sh change the broker's rights; both source it.

# Sends commands to the plugin on its control topic. User name and password are in CLOUD_IDENTITY/mosquitto_pub.
send() {
    XDG_CONFIG_HOME=$CLOUD_IDENTITY mosquitto_pub -V 5 -h "$BROKER_HOST" -p "$CLOUD_BROKER_PORT" -q 1 \
        -t "\$CONTROL/dynamic-security/v1" "$@" 2>/dev/null
}

broker_runs() {
    kill -0 "$BROKER" 2>/dev/null
}

# Gives an edge its rights or takes them (addClientRole, removeClientRole; empty for neither), and ends its connection.
# The plugin does not ask whether a client is disabled when its certificate is its name: it only ends its connection.
change_edge() {
    role="\"username\": \"$2\", \"rolename\": \"edge-$2\""
    send -m "{\"commands\": [$(
        [ -z "$1" ] || printf '{"command": "%s", %s}, ' "$1" "$role"
        printf '{"command": "disableClient", "username": "%s"}, {"command": "enableClient", "username": "%s"}' "$2" "$2"
    )]}"
}
