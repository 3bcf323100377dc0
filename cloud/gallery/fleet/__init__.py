"""What edges, cameras and uploaders say about themselves: remembered, and shown on one page."""
