"""What an image is made of, checked by offset before any decoder sees it: an enrolled edge may be hostile."""
