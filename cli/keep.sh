#!/bin/sh
# upgrade, backup, restore and uninstall; part of ./usbcam, which reads it.
# shellcheck disable=SC2034,SC2154 # the parts share their variables

# After a healthy start: the files that belong to the images that run, so that an upgrade can go back to both.
keep_files() {
    [ ! -e "$kept/rolled-back" ] || return 0
    rm -rf "$kept/mosquitto"
    mkdir -p "$kept"
    cp -R mosquitto "$kept/mosquitto"
    for half in $(roles); do
        cp "docker-compose.$half.yml" "$kept/"
    done
    version >"$kept/version"
}

# Names the images that run, since a build takes their names away.
keep_images() {
    for half in $(roles); do
        for id in $(compose "$half" ps --quiet); do
            docker inspect --format '{{.Config.Image}} {{.Image}}' "$id"
        done
    done | sort -u | while read -r name image; do
        case $name in usbcam-*) docker tag "$image" "${name%:*}:kept" ;; esac
    done
}

run_upgrade() {
    need_roles
    need_docker
    for half in $(roles); do
        [ -n "$(compose "$half" ps --quiet)" ] || fail "the $half services do not run; ./usbcam up starts them, and builds what is new"
    done
    [ -d "$kept/mosquitto" ] || keep_files
    keep_images
    fetch_version
    check_settings
    export_timezone
    new=yes
    patience=${UPGRADE_SECONDS:-120}
    meanwhile "./usbcam upgrade goes on"
    for half in $(roles); do
        progress "Building the new $half image" build "$half" || {
            reason=$(last_line)
            use_kept_images
            fail "the new version cannot be built, so the old one goes on: $reason"
        }
    done
    for half in $(roles); do
        progress "Starting the new $half services until all are healthy" start_half "$half" "$patience" "$patience" || go_back "$half"
    done
    rm -f "$kept/rolled-back"
    keep_files
    say "This is usbcam $(version)."
}

# With git, where this folder follows a branch; else what is in the folder is the new version.
fetch_version() {
    git rev-parse --abbrev-ref '@{upstream}' >/dev/null 2>&1 || return 0
    progress "Fetching the new version with git" git pull --ff-only ||
        fail "git cannot fetch the new version, and nothing has changed: $(last_line)"
}

# go_back HALF: starts the old version again, says what was wrong with the new one, and ends.
go_back() {
    reasons=$(unhealthy "$1")
    [ -n "$reasons" ] || reasons=$(last_line)
    use_kept_files
    new=
    use_kept_images
    for half in $(roles); do
        progress "Going back to usbcam $(cat "$kept/version"), $half services" start_half "$half" 300 300 || explain_start "$half"
    done
    printf '%s\n' "$reasons" | sed 's/^/usbcam: /' >&2
    fail "the new version was not healthy, so the old one runs again; nothing is lost, and ./usbcam upgrade tries again"
}

# The old images come with the brokers' old files, unless those are as before: then no broker restarts.
use_kept_files() {
    : >"$kept/rolled-back"
    ! diff -r mosquitto "$kept/mosquitto" >/dev/null 2>&1 || return 0
    for file in "$kept"/docker-compose.*.yml; do
        sed "s|\./mosquitto/|./$kept/mosquitto/|" "$file" >"$file.part"
        mv "$file.part" "$file"
    done
}

use_kept_images() {
    for half in $(roles); do
        for image in $(images "$half"); do
            docker tag "${image%:*}:kept" "$image" 2>/dev/null || true
        done
    done
}

run_backup() {
    [ $# -eq 1 ] || misused "backup takes the name of a file, such as ./usbcam backup usbcam-backup.tar"
    need_roles
    target=$(from_caller "$1")
    [ ! -e "$target" ] || fail "$1 is there already; give another name"
    umask 077
    cp .env "$work/env"
    set -- "$1" env
    if is cloud; then
        watched_part "Reading the authority" cloud enroll --backup >"$work/authority.tar" || fail "the authority cannot be read"
        set -- "$@" authority.tar
    fi
    named=$1
    shift
    { tar -cf "$target.part" -C "$work" "$@" && mv "$target.part" "$target"; } || fail "cannot write $named"
    say "$named holds .env$(! is cloud || say ', the authority and who is enrolled'). Keep it as you keep a password."
    sed -n 's/^\([A-Z_]*_FILE\)=\(.\{1,\}\)$/Not in it, so keep a copy: \2 (\1)/p' .env
}

run_restore() {
    [ $# -eq 1 ] || misused "restore takes the name of a backup, such as ./usbcam restore usbcam-backup.tar"
    source=$(from_caller "$1")
    [ -r "$source" ] || fail "$1 cannot be read; give the file that ./usbcam backup wrote"
    umask 077
    tar -xf "$source" -C "$work" env 2>/dev/null || fail "$1 is no backup of usbcam, or it is damaged"
    if [ -e .env ] && ! cmp -s .env "$work/env"; then
        cp -p .env .env.before-restore
        warn "the .env that was here is now .env.before-restore"
    fi
    cp "$work/env" .env
    if tar -tf "$source" | grep -qx authority.tar; then
        tar -xf "$source" -C "$work" authority.tar
        input=$work/authority.tar
        watched_part "Putting the authority back" cloud enroll --restore || exit $?
    fi
    say "Restored. $(how_to_start) starts it; edges connect again when $(setting CLOUD_HOST "the cloud host's name") leads to this host."
}

run_uninstall() {
    case $#,${1-} in 0, | 1,--all) ;; *) misused "uninstall takes --all or nothing, and not $*" ;; esac
    need_roles
    need_docker
    if [ "${1-}" = --all ]; then
        say "This removes captures that wait, and with the cloud half the authority: every edge must be enrolled again."
        printf 'Type yes to go on: '
        read -r answer || answer=
        [ "$answer" = yes ] || fail "nothing was removed"
    fi
    for half in $(roles); do
        # shellcheck disable=SC2046 # several names
        progress "Removing the $half services" compose "$half" down ${1:+--volumes} || fail "Docker could not: $(last_line)"
        for image in $(images "$half"); do
            docker rmi "$image" "${image%:*}:kept" >/dev/null 2>&1 || true
        done
    done
    rm -rf "$kept"
    if [ $# -eq 0 ]; then
        say "Removed. Captures that wait and who is enrolled are kept; ./usbcam up brings all back."
    else
        say "Removed. What is left is this folder with .env, and the bucket."
    fi
}
