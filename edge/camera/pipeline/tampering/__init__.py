"""What a camera sees as a whole: whether anything moves, and whether it is covered, defocused, turned or frozen."""
