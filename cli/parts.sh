#!/bin/sh
# How ./usbcam reaches the programs: in containers, or as plain processes without Docker; part of it.
# shellcheck disable=SC2034,SC2154 # the parts share their variables

# Checks and edits .env: cli/settings, with the host's Python, else with the one in the images' base.
settings() {
    if python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
        python3 -m cli.settings "$@"
        return
    fi
    need_docker
    [ ! -t 0 ] || terminal=--tty
    docker run --rm --interactive ${terminal:+"$terminal"} --env "LANG=$(locale_name)" --network none --user "$(id -u):$(id -g)" \
        --volume "$root:/usbcam" --workdir /usbcam "$(sed -n 's/^FROM \([^ ]*\) AS .*/\1/p' cloud/Dockerfile)" \
        python -m cli.settings "$@"
}

# shellcheck disable=SC2046 # one or two words
check_settings() { settings check $(roles); }

# The container of a service, if it runs.
container() {
    docker ps --quiet --filter "label=com.docker.compose.project=$(project "$1")" \
        --filter "label=com.docker.compose.service=$2" --filter "label=com.docker.compose.oneoff=False" | head -n 1
}

project() { setting COMPOSE_PROJECT_NAME "$(sed -n 's/^name: *//p' "$(compose_file "$1")")"; }

# Builds what is missing, so that a command does not do it silently.
build_missing() {
    for image in $(images "$1"); do
        docker image inspect "$image" >/dev/null 2>&1 && continue
        progress "$(filled "$text_building" "$1")" build "$1" >&2 || build_failed
        return
    done
}

build_failed() {
    fail "$text_build_failed" "$(last_line)"
}

# part HALF SERVICE WORD...: runs a command of a service's program, in a container of its own.
part() {
    half=$1 service=$2
    shift 2
    if ! has_docker; then
        as_process "$service" "$@"
        return
    fi
    need_docker
    build_missing "$half"
    [ "$service" != camera ] || set -- python -m camera "$@"
    if [ -t 0 ] && [ -t 1 ]; then terminal=; else terminal=-T; fi
    compose "$half" --progress quiet run --rm --no-deps --env "LANG=$(locale_name)" ${terminal:+"$terminal"} "$service" "$@"
}

# watched_part DOING HALF SERVICE WORD...: the same, where nothing is printed before its end.
watched_part() {
    if has_docker; then
        need_docker
        build_missing "$2"
    fi
    what=$1
    shift
    watched "$what" part "$@"
}

# ask HALF SERVICE WORD...: asks the program that runs; fails if none does.
ask() {
    half=$1 service=$2
    shift 2
    if ! has_docker; then
        as_process "$service" "$@"
        return
    fi
    need_docker
    running=$(container "$half" "$service")
    [ -n "$running" ] || fail "$text_service_off" "$service"
    docker exec --env "LANG=$(locale_name)" "$running" python -m "$service" "$@"
}

as_process() {
    program=$1
    shift
    [ -x .venv/bin/python ] || fail "$text_no_process"
    .venv/bin/python -m "$program" "$@"
}
