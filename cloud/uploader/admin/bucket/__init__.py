"""The bucket's own properties: each has a check and an ensure."""
