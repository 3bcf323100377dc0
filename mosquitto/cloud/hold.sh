#!/bin/sh
# Holds an edge off: hold.sh NAME SECONDS takes its rights and ends its connections; watch.sh lets it in again. log.awk
# starts it for an edge that sends what no bridge of ours sends. Nothing is lost: a camera keeps what has no receipt.
set -eu
# shellcheck source=mosquitto/cloud/control.sh disable=SC1091 # it is not followed when this file is checked alone
. "$(dirname "$0")/control.sh"

note_end() {
    echo $(($(date +%s) + $2)) >"$RUN_DIR/held/$1"
}

note_end "$1" "$2" # first: then it is let in again even if this script does not come to its end
until change_edge removeClientRole "$1"; do
    broker_runs || exit 0
    sleep 0.2
done
note_end "$1" "$2" # again: the broker may have answered late
