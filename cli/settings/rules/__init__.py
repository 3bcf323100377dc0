"""What each setting may be, and what is said when it is not."""
