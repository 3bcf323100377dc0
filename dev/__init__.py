"""For contributors: scripts, the product as plain processes, the demo, the bench. In no image."""
