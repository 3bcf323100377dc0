"""Stores each capture exactly once, however long S3 is unavailable."""
