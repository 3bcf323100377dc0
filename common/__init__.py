"""What both halves must have alike: the wire contract, the pages' door, how a process behaves. Imports neither half."""

__version__ = "0.1.0"  # of both halves; pyproject.toml and the image tags repeat it, and a test compares them
