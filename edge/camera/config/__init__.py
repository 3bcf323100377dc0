"""What the user asked for. Imports nothing else of the camera."""
