"""The poison rule: what is being read, what was lost with it, and what is not read again."""
