"""The uploader between a broker and a bucket, as its own tests have them."""

from tests.cloud.conftest import broker, bucket, edge, s3_proxy, uploaders

__all__ = ["broker", "bucket", "edge", "s3_proxy", "uploaders"]
