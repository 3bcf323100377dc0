"""From frames to captures and visits."""
