"""Putting each capture in the bucket exactly once, however long S3 is away."""
