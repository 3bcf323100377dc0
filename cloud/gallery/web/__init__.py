"""The gallery's addresses and its page."""
