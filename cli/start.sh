#!/bin/sh
# init, up, down and version; part of ./usbcam, which reads it.
# shellcheck disable=SC2034,SC2154 # the parts share their variables

run_init() {
    case ${1-} in edge | cloud) ;; *) misused "say which host this is: ./usbcam init edge or ./usbcam init cloud" ;; esac
    meanwhile "what was answered is in .env"
    settings init "$@"
}

run_up() {
    need_roles
    check_settings
    need_docker
    export_timezone
    for half in $(roles); do up_half "$half"; done
    keep_files
    run_open
    ! is edge || [ -n "$(setting EDGE_TOKEN)$(setting EDGE_TOKEN_FILE)" ] ||
        say "No token yet, so captures wait on this host: run ./usbcam enroll NAME on the cloud host, then ./usbcam init edge here."
    is edge || say "Now let an edge in: ./usbcam enroll NAME"
}

up_half() {
    if [ -e "$kept/rolled-back" ]; then
        say "The last upgrade failed, so this is still the version before; ./usbcam upgrade tries again."
    else
        progress "Building the $1 image (minutes the first time)" build "$1" || build_failed
    fi
    meanwhile "what has started keeps running, and ./usbcam down stops it"
    progress "Starting the $1 services until all are healthy" start_half "$1" 300 40 || explain_start "$1"
}

# start_half HALF SECONDS PATIENCE: starts it, and waits until all is healthy. Compose gives up as soon as one container is
# not healthy, which may be for a moment; so it is asked again, for PATIENCE seconds, unless a container cannot live.
start_half() {
    latest=$(($(date +%s) + $2)) failing=
    while :; do
        now=$(date +%s)
        [ "$latest" -gt "$now" ] || return 1
        said=$(compose "$1" up --detach --no-build --wait --wait-timeout $((latest - now)) 2>&1) && return
        printf '%s\n' "$said"
        case $said in *unhealthy* | *"exited ("*) ;; *) return 1 ;; esac
        now=$(date +%s)
        failing=${failing:-$now}
        [ $((now - failing)) -lt "$3" ] || return 1
        ! keeps_ending "$1" || return 1
        sleep 1
    done
}

# Whether a service of a half ended three times already.
keeps_ending() {
    for id in $(compose "$1" ps --all --quiet); do
        docker inspect --format '{{.RestartCount}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}' "$id"
    done | awk '$1 > 2 && ($2 != "running" || $3 == "starting") { found = 1 } END { exit !found }'
}

# Says why a start failed, a sentence for each service that is not healthy, and ends.
explain_start() {
    taken=$(sed -n 's/.*Bind for [^ ]*:\([0-9]*\) failed: port is already allocated.*/\1/p; s/.*listen tcp[46]* [^ ]*:\([0-9]*\): bind: address already in use.*/\1/p' "$log" | head -n 1)
    [ -z "$taken" ] || fail "port $taken is taken by another program; set another LIVE_PORT, GALLERY_PORT or CLOUD_PORT in .env"
    reasons=$(unhealthy "$1")
    [ -n "$reasons" ] || fail "the $1 services did not start: $(last_line)"
    printf '%s\n' "$reasons" | sed 's/^/usbcam: /' >&2
    exit 1
}

# One line for each service of a half that does not run healthily: what its health check or its log said last.
unhealthy() {
    for id in $(compose "$1" ps --all --quiet); do
        state=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{.State.ExitCode}} {{with .State.Health}}{{.Status}}{{end}}' "$id")
        said=
        case $state in
            *" running 0 healthy" | *" exited 0 "*) continue ;;
            *" running 0 unhealthy")
                said=$(docker inspect --format '{{range .State.Health.Log}}{{printf "%s\n" .Output}}{{end}}' "$id" | grep -v '^[[:space:]]*$' | tail -n 1) ;;
        esac
        [ -n "$said" ] || said=$(docker logs --tail 5 "$id" 2>&1 | grep -v '^[[:space:]]*$' | tail -n 1)
        say "${state%% *} is not healthy: ${said:-see ./usbcam logs ${state%% *}}"
    done
}

run_down() {
    need_roles
    need_docker
    for half in $(roles); do
        progress "Stopping the $half services" compose "$half" down || fail "docker compose could not: $(last_line)"
    done
    say "Stopped. What waits and who is enrolled is kept; ./usbcam up starts again."
}

run_restart() {
    [ $# -le 1 ] || misused "restart takes one service or nothing, and not $2 too"
    halves=$(roles)
    [ $# -eq 0 ] || halves=$(half_of "$1") || exit $?
    need_roles
    need_docker
    export_timezone
    for half in $halves; do
        need_role "$half"
        [ -n "$(compose "$half" ps --quiet)" ] || fail "the $half services do not run; ./usbcam up starts them"
        progress "Restarting ${1:-the $half services}" compose "$half" restart "$@" || fail "Docker could not: $(last_line)"
        progress "Waiting until all are healthy" start_half "$half" 120 120 || explain_start "$half"
    done
}

export_timezone() {
    TIMEZONE=$(setting TIMEZONE "$(host_timezone)")
    export TIMEZONE
}

# The time zone of this host by its name, as systemd, Debian and macOS know it.
host_timezone() {
    zone=$(readlink /etc/localtime 2>/dev/null | sed -n 's|.*/zoneinfo/||p')
    [ -n "$zone" ] || zone=$(cat /etc/timezone 2>/dev/null || true)
    say "${zone:-UTC}"
}

run_version() {
    say "usbcam $(version)"
}

version() { sed -n 's/^__version__ = "\([^"]*\)".*/\1/p' common/__init__.py; }
