"""The live page: what the cameras see, and whether their captures arrive."""
