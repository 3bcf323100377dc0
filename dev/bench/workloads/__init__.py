"""What is measured, one bench a module."""
