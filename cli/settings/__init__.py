"""Checks, shows and edits .env. Standard library alone, and Python 3.8 or newer: it runs on the host."""
