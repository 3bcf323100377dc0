"""Whether a camera sees: covered, defocused, turned away, frozen, or dark though it should be light."""
