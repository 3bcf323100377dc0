# Completes the commands of ./usbcam: source cli/completion.bash
_usbcam() {
    local words
    words=$("${COMP_WORDS[0]}" help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        logs | restart) words='camera edge-broker cloud-broker uploader gallery enroll' ;;
        init) words='edge cloud' ;;
        uninstall) words='--all' ;;
        backup | restore | snapshot) COMPREPLY=() && return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _usbcam usbcam ./usbcam
