# shellcheck shell=sh
# upgrade, backup, restore, uninstall.

keep_this() { :; }
run_upgrade() { fail "not yet"; }
run_backup() { fail "not yet"; }
run_restore() { fail "not yet"; }
run_uninstall() { fail "not yet"; }
