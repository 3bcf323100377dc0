"""Runs the product on this machine, as plain processes or with Docker."""
