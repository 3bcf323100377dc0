"""What of a visit is kept: shots, and when."""
