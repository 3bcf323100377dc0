# Completes the words of ./usbcam with tab: source cli/completion.bash
_usbcam() {
    local words=''
    case $COMP_CWORD,${COMP_WORDS[1]-} in
        1,* | 2,help) words=$("${COMP_WORDS[0]}" help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p') ;;
        2,logs) words='camera edge-broker cloud-broker uploader gallery enroll' ;;
        2,restart) words='camera edge-broker cloud-broker uploader gallery' ;;
        2,init) words='edge cloud' ;;
        2,notify) words='test' ;;
        2,uninstall) words='--all' ;;
        *,link) words='--expires' ;;
        3,snapshot) words='--camera' ;;
        2,backup | 2,restore | 2,snapshot) compopt -o default 2>/dev/null ;; # the names of files
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -F _usbcam usbcam ./usbcam
