"""Hostile bytes in, a capture out."""
