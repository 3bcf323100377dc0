"""Camera tampering detection: whether a camera is blind, that is covered, defocused, turned away, frozen or dark."""
