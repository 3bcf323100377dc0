#!/bin/sh
# What the commands are called and do, with an example for each; part of ./usbcam, which reads it.
# shellcheck disable=SC2034,SC2154 # the parts share their variables

# NAME|ARGUMENTS|WHERE|WHAT, in the order in which a newcomer needs them.
commands='
init|edge or cloud|both|Write .env: asks what matters, and keeps what is there
setup||cloud|Create the bucket and secure it
up||both|Check .env, build, start, and wait until everything is healthy
enroll|NAME|cloud|Let an edge in: prints the EDGE_TOKEN line for its .env
status||both|Show each service, what waits, the last picture and the version
open||both|Print the addresses of the pages
logs|[SERVICE]|both|Show what the services log, and follow it
doctor||both|Check .env, camera, broker, token, disk and clock
check||both|Check .env, broker, credentials, bucket and certificates
config||both|Show every setting with its effective value
snapshot|[FILE]|edge|Save one frame of a camera as a JPEG
pause|[CAMERA]|edge|Pause all cameras, or one, until resume
resume|[CAMERA]|edge|Let paused cameras run again, by their SCHEDULE
edges||cloud|List who is enrolled, until when, and who is connected
renew|NAME|cloud|Make a new token for an edge; the old one ends at once
revoke|NAME|cloud|Lock an edge out at once
link|KEY|cloud|Print a link that opens one picture
notify|test|cloud|Send a test message by every service of NOTIFY_URLS
upgrade||both|Start the new version; go back by itself if it is not healthy
backup|FILE|both|Save authority, identities and .env in one private file
restore|FILE|both|Bring a backup to this machine
restart|[SERVICE]|both|Restart one service, or all, and wait until all are healthy
down||both|Stop; nothing is lost
uninstall|[--all]|both|Remove containers and images; asks before it removes data
version||both|Print the version
help|[COMMAND]|both|Explain a command, with an example
'

usage() {
    say "usbcam: faces from a USB camera, as pictures in S3."
    say ""
    say "Usage: ./usbcam COMMAND"
    say ""
    printf '%s' "$commands" | while IFS='|' read -r name arguments where what; do
        [ -z "$name" ] || printf '  %-21s %s\n' "$name${arguments:+ $arguments}" "$what"
    done
    say ""
    say "./usbcam help COMMAND explains one of them. Settings are in .env; .env.example explains each."
    say "This runs Docker Compose. For Kubernetes (kubectl apply -k) see docs/how-to/kubernetes.md."
}

# A sentence or two for those commands that need it, then an example for each.
explain() {
    case $1 in
        init) more="Answers may also be given as NAME=VALUE, and then nothing is asked. It is safe to run again: what .env
has is offered as the answer. For both halves on one machine run it twice, for cloud and for edge."
            example="./usbcam init cloud CLOUD_HOST=cam.example.com S3_BUCKET=faces" ;;
        setup) more="Needs more rights than running does (cloud/iam/policy-setup.json); keys in the environment go before .env's."
            example="AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... ./usbcam setup" ;;
        up) more="It comes back when every service proves that it works, or says which one does not, and why. Run it again after a
change in .env." example="./usbcam up" ;;
        enroll) more="Standard output has the line alone. On a machine that is both halves it goes into .env by itself." \
            example="./usbcam enroll porch" ;;
        logs) more="On a terminal it follows until Ctrl-C. SERVICE is camera, edge-broker, enroll, cloud-broker, uploader or gallery." \
            example="./usbcam logs camera" ;;
        restart) more="For a change in .env use ./usbcam up. SERVICE is camera, edge-broker, cloud-broker, uploader or gallery." \
            example="./usbcam restart camera" ;;
        doctor) more="On a cloud host it does what check does. The exit code is 0 if nothing failed." example="./usbcam doctor" ;;
        check) more="On an edge host it does what doctor does. The exit code is 0 if nothing failed." example="./usbcam check" ;;
        snapshot) more="FILE is snapshot.jpg if it is left out, and - is standard output. Of several cameras: --camera NAME." \
            example="./usbcam snapshot porch.jpg --camera porch" ;;
        pause) more="A paused camera releases its device. The pause holds over restarts." example="./usbcam pause" ;;
        resume) more="" example="./usbcam resume porch" ;;
        link) more="Anybody who has the link can open it, for 7 days or what --expires says: 30m, 12h, 3d." \
            example="./usbcam link porch/camera/2026/11/22/20261122T063325.123Z-9f2c01ab.png --expires 12h" ;;
        notify) more="Each service has a line, pass or FAIL. The exit code is 0 if every service took the message." \
            example="./usbcam notify test" ;;
        upgrade) more="Takes the new version with git where this folder follows a branch, else what is in this folder. If it is not
healthy within two minutes, the old one runs again. Captures wait meanwhile; none is lost or stored twice." example="./usbcam upgrade" ;;
        backup) more="Whoever has the file can be your cloud host, so keep it as you keep a password. It does not hold pictures: they are
in S3, or wait on the edge's disk." example="./usbcam backup usbcam-backup.tar" ;;
        restore) more="On a new machine with this folder: then ./usbcam up. Every enrolled edge connects again without a new token." \
            example="./usbcam restore usbcam-backup.tar" ;;
        uninstall) more="With --all it also removes captures that wait, the authority and every edge's enrolment, after it has asked.
The bucket and .env stay." example="./usbcam uninstall --all" ;;
        renew | revoke) more="No other edge is disturbed, and nothing restarts." example="./usbcam $1 porch" ;;
        help) more="" example="./usbcam help up" ;;
        *) more="" example="./usbcam $1" ;;
    esac
}

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
    [ $# -le 1 ] || misused "help takes one command, and not $2 too"
    [ $# -gt 0 ] || { usage; return; }
    line=$(line_of "$1") || fail "there is no command $1; ./usbcam help lists them all"
    arguments=$(field "$line" 2)
    explain "$1"
    say "./usbcam $1${arguments:+ $arguments}"
    say ""
    say "$(field "$line" 4)."
    [ "$(field "$line" 3)" = both ] || say "For the $(field "$line" 3) host."
    [ -z "$more" ] || say "$more"
    say ""
    say "Example:"
    say "  $example"
}
