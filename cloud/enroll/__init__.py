"""Lets edges in: the certificate authority, the broker's certificate, and the token that joins an edge."""
