"""The documents that are made from the code: `make docs` writes them, tests/documents sees that they are current."""
