"""What both halves must have alike: the wire contract, the pages' door, how a process behaves. Imports neither half."""
