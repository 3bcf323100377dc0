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
        [ -n "$(compose "$half" ps --quiet)" ] || fail "$text_services_off_to_upgrade" "$half"
    done
    [ -d "$kept/mosquitto" ] || keep_files
    keep_images
    fetch_version
    check_settings
    export_timezone
    new=yes
    patience=${UPGRADE_SECONDS:-120}
    meanwhile "$text_upgrade_goes_on"
    for half in $(roles); do
        progress "$(filled "$text_building_new" "$half")" build "$half" || {
            reason=$(last_line)
            use_kept_images
            fail "$text_new_not_built" "$reason"
        }
    done
    for half in $(roles); do
        progress "$(filled "$text_starting_new" "$half")" start_half "$half" "$patience" "$patience" || go_back "$half"
    done
    rm -f "$kept/rolled-back"
    keep_files
    tell "$text_version_runs" "$(version)"
}

# With git, where this folder follows a branch; else what is in the folder is the new version.
fetch_version() {
    git rev-parse --abbrev-ref '@{upstream}' >/dev/null 2>&1 || return 0
    progress "$text_fetching" git pull --ff-only ||
        fail "$text_not_fetched" "$(last_line)"
}

# go_back HALF: starts the old version again, says what was wrong with the new one, and ends.
go_back() {
    reasons=$(unhealthy "$1")
    [ -n "$reasons" ] || reasons=$(last_line)
    use_kept_files
    new=
    use_kept_images
    for half in $(roles); do
        progress "$(filled "$text_going_back" "$(cat "$kept/version")" "$half")" start_half "$half" 300 300 || explain_start "$half"
    done
    printf '%s\n' "$reasons" | sed 's/^/usbcam: /' >&2
    fail "$text_went_back"
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
    [ $# -eq 1 ] || misused "$text_backup_takes"
    need_roles
    target=$(from_caller "$1")
    [ ! -e "$target" ] || fail "$text_file_exists" "$1"
    umask 077
    cp .env "$work/env"
    set -- "$1" env
    if is cloud; then
        watched_part "$text_reading_authority" cloud enroll --backup >"$work/authority.tar" || fail "$text_authority_unreadable"
        set -- "$@" authority.tar
    fi
    named=$1
    shift
    { tar -cf "$target.part" -C "$work" "$@" && mv "$target.part" "$target"; } || fail "$text_cannot_write" "$named"
    if is cloud; then tell "$text_backup_of_cloud" "$named"; else tell "$text_backup_of_edge" "$named"; fi
    sed -n 's/^\([A-Z_]*_FILE\)=\(.\{1,\}\)$/\2 (\1)/p' .env | while IFS= read -r left_out; do tell "$text_not_in_backup" "$left_out"; done
}

run_restore() {
    [ $# -eq 1 ] || misused "$text_restore_takes"
    source=$(from_caller "$1")
    [ -r "$source" ] || fail "$text_backup_unreadable" "$1"
    umask 077
    tar -xf "$source" -C "$work" env 2>/dev/null || fail "$text_no_backup" "$1"
    if [ -e .env ] && ! cmp -s .env "$work/env"; then
        cp -p .env .env.before-restore
        warn "$text_env_moved"
    fi
    cp "$work/env" .env
    if tar -tf "$source" | grep -qx authority.tar; then
        tar -xf "$source" -C "$work" authority.tar
        input=$work/authority.tar
        watched_part "$text_restoring_authority" cloud enroll --restore || exit $?
    fi
    tell "$text_restored" "$(how_to_start)" "$(setting CLOUD_HOST "$text_cloud_host")"
}

run_uninstall() {
    case $#,${1-} in 0, | 1,--all) ;; *) misused "$text_uninstall_takes" "$*" ;; esac
    need_roles
    need_docker
    if [ "${1-}" = --all ]; then
        tell "$text_removes_all"
        printf '%s ' "$text_type_yes"
        read -r answer || answer=
        [ "$answer" = yes ] || fail "$text_nothing_removed"
    fi
    for half in $(roles); do
        # shellcheck disable=SC2046 # several names
        progress "$(filled "$text_removing" "$half")" compose "$half" down ${1:+--volumes} || fail "$text_docker_failed" "$(last_line)"
        for image in $(images "$half"); do
            docker rmi "$image" "${image%:*}:kept" >/dev/null 2>&1 || true
        done
    done
    rm -rf "$kept"
    if [ $# -eq 0 ]; then
        tell "$text_removed"
    else
        tell "$text_removed_all"
    fi
}
