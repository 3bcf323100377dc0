"""S3, below uploader and gallery alike."""
