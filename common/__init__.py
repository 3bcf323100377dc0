"""What both halves must have alike: the wire contract, their pages' parts, how a process behaves. Imports neither."""

__version__ = "0.1.0"  # of both halves; pyproject.toml and the image tags repeat it, and a test compares them
