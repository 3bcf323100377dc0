"""The names of captures in the bucket."""
