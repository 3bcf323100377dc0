"""What is measured, and beside whom: bench/run [NAME...] writes RESULTS.md."""
