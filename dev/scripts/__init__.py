"""What makes and checks a contributor's environment."""
