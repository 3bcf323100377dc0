"""`./demo`: the whole product on this machine with a synthetic camera."""

from common.runtime import quiet_start

quiet_start.install()
