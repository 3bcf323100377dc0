"""What is measured, next to which peers: dev/bench/run [NAME...] writes RESULTS.md."""
