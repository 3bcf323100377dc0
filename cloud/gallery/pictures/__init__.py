"""Pictures, made small for the page."""
