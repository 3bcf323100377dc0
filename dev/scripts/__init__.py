"""What makes and checks a contributor's environment."""

from common.runtime import quiet_start

quiet_start.install()
