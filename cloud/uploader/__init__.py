"""The uploader: puts each capture that arrives at the cloud broker in S3, exactly once."""
