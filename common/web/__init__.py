"""What both web pages share: password, request guard, server, login page."""
