"""New captures, pushed to open pages."""
