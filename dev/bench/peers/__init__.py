"""What a user would pick instead, as small as people write it; each a program of its own."""
