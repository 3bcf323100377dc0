#!/bin/sh
# init, up, down and version; part of ./usbcam, which reads it.
# shellcheck disable=SC2034,SC2154 # the parts share their variables

run_init() {
    case ${1-} in edge | cloud) ;; *) misused "$text_init_takes" ;; esac
    meanwhile "$text_answers_kept"
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
        tell "$text_no_token_yet"
    is edge || tell "$text_let_edge_in"
}

up_half() {
    if [ -e "$kept/rolled-back" ]; then
        tell "$text_still_before"
    else
        progress "$(filled "$text_building" "$1")" build "$1" || build_failed
    fi
    meanwhile "$text_keeps_running"
    progress "$(filled "$text_starting" "$1")" start_half "$1" 300 40 || explain_start "$1"
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
    [ -z "$taken" ] || fail "$text_port_taken" "$taken"
    reasons=$(unhealthy "$1")
    [ -n "$reasons" ] || fail "$text_not_started" "$1" "$(last_line)"
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
        service=${state%% *}
        if [ -n "$said" ]; then tell "$text_unhealthy" "$service" "$said"; else tell "$text_unhealthy_see_logs" "$service" "$service"; fi
    done
}

run_down() {
    need_roles
    need_docker
    for half in $(roles); do
        progress "$(filled "$text_stopping" "$half")" compose "$half" down || fail "$text_compose_failed" "$(last_line)"
    done
    tell "$text_down"
}

run_restart() {
    [ $# -le 1 ] || misused "$text_restart_takes_one" "$2"
    halves=$(roles)
    [ $# -eq 0 ] || halves=$(half_of "$1") || exit $?
    need_roles
    need_docker
    export_timezone
    for half in $halves; do
        need_role "$half"
        [ -n "$(compose "$half" ps --quiet)" ] || fail "$text_services_off" "$half"
        doing=$(filled "$text_restarting_all" "$half")
        [ $# -eq 0 ] || doing=$(filled "$text_restarting" "$1")
        progress "$doing" compose "$half" restart "$@" || fail "$text_docker_failed" "$(last_line)"
        progress "$text_waiting" start_half "$half" 120 120 || explain_start "$half"
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
