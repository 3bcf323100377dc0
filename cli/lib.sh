#!/bin/sh
# What all commands stand on: messages, roles, Compose, elapsed time; part of ./usbcam, which reads it.
# shellcheck disable=SC2034,SC2154 # the parts share their variables

# Prints what is no sentence.
say() { printf '%s\n' "$*"; }

# filled TEXT WORD...: one of the texts, with its %s filled in, and no end of the line. What follows takes the same.
# shellcheck disable=SC2059 # that is what the texts are for
filled() { printf "$@"; }

tell() { say "$(filled "$@")"; }

warn() { say "usbcam: $(filled "$@")" >&2; }

fail() {
    warn "$@"
    exit 1
}

# A mistake on the command line.
misused() {
    warn "$text_misused" "$(filled "$@")"
    exit 2
}

# Whether somebody translated the texts into the language of who types, which is then in $language.
in_language() {
    language=$(locale_name)
    language=${language%%[!a-z]*}
    case $language in ?? | ???) [ -r "cli/texts/$language.sh" ] ;; *) return 1 ;; esac
}

# The language of who types, by the usual variables; programs in containers are given it, too.
locale_name() { say "${LC_ALL:-${LC_MESSAGES:-${LANG:-C}}}"; }

# Prints what .env or, before it, the environment has for a name; else the default.
setting() {
    eval "value=\${$1-}"
    if [ -z "$value" ] && [ -f .env ] && [ -r .env ]; then
        value=$(sed -n "s/^$1=[[:space:]]*//p" .env | tail -n 1 | tr -d '\r')
        case $value in
            \'*\'*) value=${value#?} && value=${value%%\'*} ;;
            \"*\"*) value=${value#?} && value=${value%%\"*} ;;
            *) value=${value%%" #"*} && value=${value%"${value##*[![:space:]]}"} ;;
        esac
    fi
    printf '%s\n' "${value:-${2-}}"
}

# What this host is: edge, cloud or both, one a line. Without ROLE, a bucket makes a cloud and a token or camera an edge.
roles() {
    case $(setting ROLE) in
        edge) say edge ;;
        cloud) say cloud ;;
        both) say cloud && say edge ;;
        *)
            [ -z "$(setting S3_BUCKET)" ] || say cloud
            [ -z "$(setting EDGE_TOKEN)$(setting EDGE_TOKEN_FILE)" ] || say edge
            ;;
    esac
}

is() { roles | grep -q "^$1\$"; }

need_roles() {
    [ -e .env ] || fail "$text_no_env"
    [ -f .env ] && [ -r .env ] || settings check || exit $? # it is a folder, or somebody else's
    [ -n "$(roles)" ] || settings check || exit $? # ROLE may be there, and wrong
    [ -n "$(roles)" ] || fail "$text_no_role"
}

# need_role edge|cloud: the command belongs to that half.
need_role() {
    need_roles
    is "$1" || fail "$text_other_host" "$1" "$1"
}

has_docker() { command -v docker >/dev/null; }

have_compose() { docker compose version >/dev/null 2>&1; }

# What starts all of this host: a command, or where it is written for plain processes.
how_to_start() {
    if has_docker; then say ./usbcam up; else say docs/how-to/install.md#without-docker; fi
}

need_docker() {
    has_docker || fail "$text_no_docker"
    have_compose || fail "$text_no_compose"
    docker ps --quiet >/dev/null 2>&1 || fail "$text_no_engine" "$(id -un)" "$(id -un)"
}

compose() {
    file=$(compose_file "$1")
    shift
    docker compose --project-directory "$root" -f "$file" "$@"
}

# After an upgrade that failed it is the copy that belongs to the old images.
compose_file() {
    if [ -z "$new" ] && [ -e "$kept/rolled-back" ] && [ -e "$kept/docker-compose.$1.yml" ]; then
        say "$kept/docker-compose.$1.yml"
    else
        say "docker-compose.$1.yml"
    fi
}

# Builds a half's image once: Compose labels it with the service, so each service that builds it makes another.
build() {
    build_once "$1" && return
    grep -q 'context deadline exceeded' "$log" || return 1
    build_once "$1" # an engine that was busy had given itself too little time
}

build_once() {
    case $1 in
        edge) compose edge build camera ;;
        *) compose cloud build uploader ;;
    esac
}

# The images that a half builds.
images() { sed -n 's/^ *image: *\(usbcam-[^ ]*\).*/\1/p' "$(compose_file "$1")" | sort -u; }

# progress TEXT COMMAND...: runs it and shows for how long; what it printed is in $log.
progress() {
    doing=$1
    shift
    log=$work/log
    "$@" >"$log" 2>&1 </dev/null &
    child=$!
    began=$(date +%s)
    shown=0
    [ -t 1 ] || say "$doing ..."
    while kill -0 "$child" 2>/dev/null; do
        elapsed=$(($(date +%s) - began))
        if [ -t 1 ]; then
            printf '\r%s ... %s s ' "$doing" "$elapsed"
        elif [ $((elapsed - shown)) -ge 10 ]; then
            shown=$elapsed
            say "  $elapsed s"
        fi
        sleep 0.2
    done
    result=0
    wait "$child" || result=$?
    elapsed=$(($(date +%s) - began))
    outcome=$text_done
    [ "$result" -eq 0 ] || outcome=$text_failed
    outcome=$(filled "$outcome" "$elapsed")
    if [ -t 1 ]; then
        printf '\r%s ... %s\n' "$doing" "$outcome"
    elif [ "$elapsed" -ge 2 ] || [ "$result" -ne 0 ]; then
        say "  $outcome"
    fi
    return "$result"
}

# watched DOING COMMAND...: runs it and prints what it printed. Where somebody watches, and it takes more than two
# seconds, standard error shows for how long. It reads $input, if that is set.
watched() {
    doing=$1
    shift
    "$@" >"$work/answer" 2>"$work/complaints" <"${input:-/dev/null}" &
    child=$!
    began=$(date +%s)
    shown=
    while kill -0 "$child" 2>/dev/null; do
        elapsed=$(($(date +%s) - began))
        if [ -t 2 ] && [ "$elapsed" -ge 2 ]; then
            shown=yes
            printf '\r%s ... %s s ' "$doing" "$elapsed" >&2
        fi
        sleep 0.1
    done
    result=0
    wait "$child" || result=$?
    [ -z "$shown" ] || printf '\r\033[K' >&2
    cat "$work/complaints" >&2
    cat "$work/answer"
    return "$result"
}

# attend NUMBER: waits for a command. It is a process of its own, since a shell that runs something hears no signal.
attend() {
    trap 'stop "$1" 130' INT
    trap 'stop "$1" 143' TERM
    result=0
    wait "$1" || result=$?
    exit "$result"
}

# stop NUMBER STATUS: Ctrl-C and SIGTERM end a command with all that it started, and say so in a line.
stop() {
    status=$2
    trap 'exit "$status"' INT TERM # who asks twice does not wait
    kill -STOP "$1" 2>/dev/null || true # it starts nothing more, and does not say how each of its processes ended
    for each in $(descendants "$1"); do
        kill "$each" 2>/dev/null || true
        remains="${remains-} $each"
    done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    for each in ${remains-}; do
        while lives "$each"; do sleep 0.1; done
    done
    [ ! -t 2 ] || echo >&2 # behind the ^C that a terminal shows
    [ "$command" != logs ] || exit 0 # that is how one stops to follow them
    warn "$text_stopped" "$(cat "$work/meanwhile" 2>/dev/null)"
    exit "$status"
}

# Whether a process runs; one that has ended may wait for somebody to notice it.
lives() { kill -0 "$1" 2>/dev/null && ! grep -q ') Z ' "/proc/$1/stat" 2>/dev/null; }

# meanwhile TEXT: what is to be said, too, if the command is stopped from now on.
meanwhile() { printf '; %s' "$*" >"$work/meanwhile"; }

# All that a process started: the docker command leaves signals to its plugin, which is its child.
descendants() {
    processes | awk -v first="$1" '
        { parent[$1] = $2 }
        END {
            found[first]
            do {
                more = 0
                for (each in parent)
                    if (!(each in found) && (parent[each] in found)) { found[each]; print each; more = 1 }
            } while (more)
        }'
}

# The number of each process and of its parent.
processes() { ps -A -o pid,ppid 2>/dev/null || ps -o pid,ppid; } # BusyBox' shows all, and may know no -A

last_line() { grep -v '^[[:space:]]*$' "$log" | tail -n 1; }

# The path of a file that the user named, from where the user is.
from_caller() {
    case $1 in
        /*) say "$1" ;;
        *) say "$caller/$1" ;;
    esac
}

new='' input=''
kept=.usbcam # what the last healthy start was made of, for upgrade
# shellcheck source=/dev/null # each is checked by itself
! in_language || . "cli/texts/$language.sh"
