"""The page that shows what the cameras see and whether their pictures arrive."""
