"""Enrolls edges: the certificate authority, the broker's certificate, and the token that enrolls an edge."""

from common.runtime import quiet_start

quiet_start.install()
