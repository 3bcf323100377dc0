"""The page over the bucket: who came, when and where."""

from common.runtime import quiet_start

quiet_start.install()
