"""The file .env: its lines, their form, and how a line is changed."""
