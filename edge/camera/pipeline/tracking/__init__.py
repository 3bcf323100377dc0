"""Faces in frames, and which of them belong together."""
