"""What is measured, and beside whom: dev/bench/run [NAME...] writes RESULTS.md."""
