"""What is done with several captures at once."""
