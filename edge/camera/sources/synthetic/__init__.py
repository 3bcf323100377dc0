"""The demo's camera: drawn people whose number is known."""
