"""The uploader: puts each capture that arrives at the cloud broker in S3, exactly once."""

from common.runtime import quiet_start

quiet_start.install()
