#!/bin/sh
# What the commands are called, with an example for each; part of ./usbcam, which reads it.
# shellcheck disable=SC2034,SC2154 # the parts share their variables

# NAME|ARGUMENTS|WHERE|EXAMPLE, in the order in which a newcomer needs them.
commands="
init|$text_edge_or_cloud|both|./usbcam init cloud CLOUD_HOST=cam.example.com S3_BUCKET=faces
setup||cloud|AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... ./usbcam setup
up||both|./usbcam up
enroll|NAME|cloud|./usbcam enroll porch
status||both|./usbcam status
open||both|./usbcam open
logs|[SERVICE]|both|./usbcam logs camera
doctor||both|./usbcam doctor
check||both|./usbcam check
config||both|./usbcam config
snapshot|[FILE]|edge|./usbcam snapshot porch.jpg --camera porch
pause|[CAMERA]|edge|./usbcam pause
resume|[CAMERA]|edge|./usbcam resume porch
edges||cloud|./usbcam edges
renew|NAME|cloud|./usbcam renew porch
revoke|NAME|cloud|./usbcam revoke porch
link|KEY|cloud|./usbcam link porch/camera/2026/11/22/20261122T063325.123Z-9f2c01ab.png --expires 12h
notify|test|cloud|./usbcam notify test
upgrade||both|./usbcam upgrade
backup|FILE|both|./usbcam backup usbcam-backup.tar
restore|FILE|both|./usbcam restore usbcam-backup.tar
restart|[SERVICE]|both|./usbcam restart camera
down||both|./usbcam down
uninstall|[--all]|both|./usbcam uninstall --all
version||both|./usbcam version
help|[COMMAND]|both|./usbcam help up
"

usage() {
    tell "$text_headline"
    say ""
    tell "$text_usage"
    say ""
    printf '%s' "$commands" | while IFS='|' read -r name arguments where example; do
        [ -z "$name" ] || printf '  %-21s %s\n' "$name${arguments:+ $arguments}" "$(about what "$name")"
    done
    say ""
    tell "$text_help_of_one"
    tell "$text_runs_compose"
}

# about what|more NAME: what a command of the list does, or what else is to be known, if there is something.
about() { eval "say \"\${$1_$2-}\""; }

# The line of a command, if there is one; its name is letters alone.
line_of() {
    case $1 in '' | *[!a-z]*) return 1 ;; esac
    printf '%s' "$commands" | grep "^$1|"
}

# One field of a line of the list.
field() {
    printf '%s\n' "$1" | cut -d '|' -f "$2"
}

run_help() {
    [ $# -le 1 ] || misused "$text_help_takes_one" "$2"
    [ $# -gt 0 ] || { usage; return; }
    line=$(line_of "$1") || fail "$text_no_command_to_explain" "$1"
    arguments=$(field "$line" 2)
    say "./usbcam $1${arguments:+ $arguments}"
    say ""
    say "$(about what "$1")."
    case $(field "$line" 3) in
        edge) tell "$text_for_edge" ;;
        cloud) tell "$text_for_cloud" ;;
    esac
    more=$(about more "$1")
    [ -z "$more" ] || say "$more"
    say ""
    tell "$text_example"
    say "  $(field "$line" 4)"
}
