"""What the user configured. Imports nothing else of the camera."""
