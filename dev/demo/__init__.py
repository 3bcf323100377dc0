"""`./demo`: the whole product on this machine with a synthetic camera."""
