#!/bin/sh
# Looking at what runs, and telling it something; part of ./usbcam, which reads it.
# shellcheck disable=SC2034,SC2154 # the parts share their variables

run_status() {
    [ $# -eq 0 ] || misused "status takes no $1"
    need_roles
    need_docker
    say "usbcam $(version), $(roles | tr '\n' ' ')host"
    for half in $(roles); do
        listed=$(docker ps --all --filter "label=com.docker.compose.project=$(project "$half")" \
            --format '{{.Label "com.docker.compose.service"}}|{{.Status}}|{{.Image}}' | sort)
        [ -n "$listed" ] || { say "The $half services do not run; ./usbcam up starts them." && continue; }
        printf '%s\n' "$listed" | awk -F '|' '$1 != "enroll" { printf "  %-14s %-28s %s\n", $1, $2, $3 }'
    done
    for half in $(roles); do
        case $half in edge) service=camera ;; *) service=uploader ;; esac
        [ -z "$(container "$half" "$service")" ] || watched "Asking the $service" ask "$half" "$service" status || true
    done
}

run_open() {
    [ $# -eq 0 ] || misused "open takes no $1"
    need_roles
    ! is edge || [ "$(setting LIVE_PORT 8080)" = 0 ] || page "live page" LIVE 8080
    ! is cloud || page gallery GALLERY 8081
}

# page WHAT PREFIX PORT
page() {
    port=$(setting "$2_PORT" "$3")
    bind=$(setting "$2_BIND" 127.0.0.1)
    case $bind in
        127.* | localhost | ::1 | '[::1]') say "$1: http://127.0.0.1:$port (from another machine: ssh -L $port:127.0.0.1:$port $(uname -n))" ;;
        0.0.0.0 | :: | '[::]') say "$1: http://$(uname -n):$port" ;;
        *) say "$1: http://$bind:$port" ;;
    esac
}

run_logs() {
    need_roles
    need_docker
    follow=
    [ ! -t 1 ] || follow=--follow
    if [ $# -gt 0 ]; then
        half=$(half_of "$1") || exit $?
    else
        half=$(roles | head -n 1)
        [ "$(roles | wc -l)" -eq 1 ] || { follow= && compose edge logs --tail 50; }
    fi
    need_role "$half"
    compose "$half" logs --tail 100 ${follow:+"$follow"} "$@"
}

# half_of SERVICE: to which half it belongs.
half_of() {
    case $1 in
        camera | edge-broker) say edge ;;
        cloud-broker | uploader | gallery | enroll) say cloud ;;
        *) misused "there is no service $1; there are camera, edge-broker, cloud-broker, uploader, gallery and enroll" ;;
    esac
}

run_doctor() { diagnose edge; }

run_check() { diagnose cloud; }

# Both commands look at the half that this host has; on one that is both, each its own.
diagnose() {
    need_roles
    check_settings
    say "pass     .env              every setting is understood"
    half=$1
    is "$half" || half=$(roles)
    case $half in
        edge) part edge camera doctor ;;
        *) part cloud uploader check ;;
    esac
}

run_config() {
    need_roles
    export_timezone
    # shellcheck disable=SC2046 # one or two words
    settings config $(roles)
}

run_setup() {
    need_role cloud
    check_settings
    watched_part "Setting the bucket up" cloud uploader setup
}

run_enroll() {
    [ $# -eq 1 ] || misused "enroll takes the name of an edge, such as ./usbcam enroll porch"
    need_role cloud
    watched_part "Enrolling $1" cloud enroll "$1" >"$work/token" || exit $?
    token=$(cat "$work/token")
    say "$token"
    if is edge; then
        settings set "$token"
        warn "the token is in .env; ./usbcam up connects this edge"
    else
        warn "paste this line where ./usbcam init edge asks for it on the edge host, or into its .env"
    fi
}

run_edges() {
    [ $# -eq 0 ] || misused "edges takes no $1"
    need_role cloud
    watched_part "Asking who is enrolled" cloud enroll --list
}

run_renew() {
    [ $# -eq 1 ] || misused "renew takes the name of an edge, such as ./usbcam renew porch"
    need_role cloud
    watched_part "Renewing $1" cloud enroll "$1" --renew
}

run_revoke() {
    [ $# -eq 1 ] || misused "revoke takes the name of an edge, such as ./usbcam revoke porch"
    need_role cloud
    watched_part "Revoking $1" cloud enroll --revoke "$1"
}

run_link() {
    [ $# -gt 0 ] || misused "link takes the key of a picture, as the gallery shows it"
    need_role cloud
    watched_part "Signing the link" cloud uploader link "$@"
}

run_notify() {
    [ "${1:-}" = test ] && [ $# -eq 1 ] || misused "notify takes the word test: ./usbcam notify test"
    need_role cloud
    part cloud gallery notify test
}

run_pause() {
    need_role edge
    ask edge camera pause "$@"
}

run_resume() {
    need_role edge
    ask edge camera resume "$@"
}

run_snapshot() {
    need_role edge
    file=snapshot.jpg
    case ${1-} in '' | --*) ;; *) file=$1 && shift ;; esac
    watched "Taking a snapshot" take_snapshot "$@" >"$work/snapshot" || exit $?
    if [ "$file" = - ]; then
        cat "$work/snapshot"
    else
        cat "$work/snapshot" >"$(from_caller "$file")" || exit 1
        say "One frame is in $file."
    fi
}

# The camera that runs has the device, so it is the one to ask.
take_snapshot() {
    if command -v docker >/dev/null && [ -n "$(container edge camera)" ]; then
        ask edge camera snapshot --out - "$@"
    else
        part edge camera snapshot --out - "$@"
    fi
}
