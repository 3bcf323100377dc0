#!/bin/sh
# Looking at what runs, and telling it something; part of ./usbcam, which reads it.
# shellcheck disable=SC2034,SC2154 # the parts share their variables

run_status() {
    need_roles
    tell "$text_status" "$(version)" "$(roles | tr '\n' ' ' | sed 's/ $//')"
    if has_docker; then
        need_docker
        list_services
    fi
    for half in $(roles); do
        case $half in edge) service=camera ;; *) service=uploader ;; esac
        has_docker && [ -z "$(container "$half" "$service")" ] || watched "$(filled "$text_asking" "$service")" ask "$half" "$service" status || true
    done
}

list_services() {
    for half in $(roles); do
        listed=$(docker ps --all --filter "label=com.docker.compose.project=$(project "$half")" \
            --format '{{.Label "com.docker.compose.service"}}|{{.Status}}|{{.Image}}' | sort)
        [ -n "$listed" ] || { tell "$text_services_do_not_run" "$half" && continue; }
        printf '%s\n' "$listed" | awk -F '|' '$1 != "enroll" { printf "  %-14s %-28s %s\n", $1, $2, $3 }'
    done
}

run_open() {
    need_roles
    ! is edge || [ "$(setting LIVE_PORT 8080)" = 0 ] || page "$text_live_page" LIVE 8080
    ! is cloud || page "$text_gallery" GALLERY 8081
}

# page WHAT PREFIX PORT
page() {
    port=$(setting "$2_PORT" "$3")
    bind=$(setting "$2_BIND" 127.0.0.1)
    case $bind in
        127.* | localhost | ::1 | '[::1]') 
            tell "$text_page_here" "$1" "http://127.0.0.1:$port" "ssh -L $port:127.0.0.1:$port $(uname -n)" ;;
        0.0.0.0 | :: | '[::]') say "$1: http://$(uname -n):$port" ;;
        *) say "$1: http://$bind:$port" ;;
    esac
}

run_logs() {
    [ $# -le 1 ] || misused "$text_logs_takes_one" "$2"
    [ $# -eq 0 ] || half=$(half_of "$1") || exit $?
    need_roles
    need_docker
    follow=
    [ ! -t 1 ] || follow=--follow
    if [ $# -eq 0 ]; then
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
        *) misused "$text_no_service" "$1" ;;
    esac
}

run_doctor() { diagnose edge; }

run_check() { diagnose cloud; }

# Both commands look at the half that this host has; on one that is both, each its own.
diagnose() {
    need_roles
    check_settings
    say "pass     .env              $text_env_understood"
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
    watched_part "$text_setting_up" cloud uploader setup
}

# one_name COMMAND WORD...: there is one word, and it is no option.
one_name() {
    case $#,${2-} in
        2,-*) misused "$text_name_no_option" "$1" "$2" ;;
        2,?*) ;;
        *) misused "$text_name_of_edge" "$1" "$1" ;;
    esac
}

run_enroll() {
    one_name enroll "$@"
    need_role cloud
    watched_part "$(filled "$text_enrolling" "$1")" cloud enroll "$1" >"$work/token" || exit $?
    token=$(cat "$work/token")
    say "$token"
    if is edge; then
        settings set "$token"
        warn "$text_token_in_env" "$(how_to_start)"
    else
        warn "$text_paste_token"
    fi
}

run_edges() {
    need_role cloud
    watched_part "$text_asking_edges" cloud enroll --list
}

run_renew() {
    one_name renew "$@"
    need_role cloud
    watched_part "$(filled "$text_renewing" "$1")" cloud enroll "$1" --renew
}

run_revoke() {
    one_name revoke "$@"
    need_role cloud
    watched_part "$(filled "$text_revoking" "$1")" cloud enroll --revoke "$1"
}

run_link() {
    case "$#,$*" in
        1,[!-]* | 2,*--expires=* | 3,*--expires\ *) ;;
        *) misused "$text_link_takes" ;;
    esac
    need_role cloud
    watched_part "$text_signing" cloud uploader link "$@"
}

run_notify() {
    [ "${1:-}" = test ] && [ $# -eq 1 ] || misused "$text_notify_takes"
    need_role cloud
    watched_part "$text_notifying" cloud gallery notify test
}

# one_camera COMMAND WORD...: there is at most one word, and it is no option.
one_camera() {
    case $#,${2-} in
        1, | 2,[!-]*) ;;
        *) misused "$text_camera_or_nothing" "$1" "$1" ;;
    esac
}

run_pause() {
    one_camera pause "$@"
    need_role edge
    watched "$text_pausing" ask edge camera pause "$@"
}

run_resume() {
    one_camera resume "$@"
    need_role edge
    watched "$text_resuming" ask edge camera resume "$@"
}

run_snapshot() {
    file=snapshot.jpg
    case ${1-} in '' | --*) ;; *) file=$1 && shift ;; esac
    case "$#,${1-}" in
        0, | 2,--camera | 1,--camera=*) ;;
        *) misused "$text_snapshot_takes" ;;
    esac
    need_role edge
    watched "$text_taking_snapshot" take_snapshot "$@" >"$work/snapshot" || exit $?
    if [ "$file" = - ]; then
        cat "$work/snapshot"
    else
        cat "$work/snapshot" >"$(from_caller "$file")" || exit 1
        tell "$text_snapshot" "$file"
    fi
}

# The camera that runs has the device, so it is the one to ask.
take_snapshot() {
    if has_docker && [ -n "$(container edge camera)" ]; then
        ask edge camera snapshot --out - "$@"
    else
        part edge camera snapshot --out - "$@"
    fi
}
