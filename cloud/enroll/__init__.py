"""Enrolls edges: the certificate authority, the broker's certificate, and the token that enrolls an edge."""
