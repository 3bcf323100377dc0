"""How every process behaves: its log, its settings' errors, its heartbeat, its files, its check results."""
