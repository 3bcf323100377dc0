"""What is in the bucket, by edge, camera and day."""
