#!/bin/sh
# Whether the cloud broker is healthy: it answers, log.awk reads its log, and watch.sh applies what cloud/enroll writes.
set -eu
RUN_DIR=${RUN_DIR:-/tmp}
CLOUD_BROKER_PORT=${CLOUD_BROKER_PORT:-1883}
name=health-$(date +%s)-$$ # what log.awk has read last shows whether it reads

fail() {
    echo "cloud-broker: $1; restart it: ./usbcam restart cloud-broker" >&2
    exit 1
}

log_is_read() {
    [ "$(cat "$RUN_DIR/read-for" 2>/dev/null)" = "$name" ]
}

# Granted is enough: nothing is retained.
mosquitto_sub -h 127.0.0.1 -p "$CLOUD_BROKER_PORT" -i "$name" -t "\$SYS/broker/uptime" -E -W 5 || fail "it does not answer"
tries=10
until log_is_read; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "nobody reads its log, so floods go unnoticed"
    sleep 0.2
done
[ -n "$(find "$RUN_DIR/watching" -mmin -1 2>/dev/null)" ] || fail "nobody applies what enroll writes, so new edges are refused"
