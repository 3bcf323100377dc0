"""Who may see a page: password, request guard, server."""
