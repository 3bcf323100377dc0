"""What S3's error codes ask of the owner: one sentence for each, with the setting to fix."""

from botocore.exceptions import ClientError

REMEDIES = {
    "NoSuchBucket": "the bucket {bucket} does not exist; ./usbcam setup creates it, or fix S3_BUCKET",
    "InvalidBucketName": "{bucket} is not a valid bucket name; fix S3_BUCKET",
    "InvalidAccessKeyId": "the access key is unknown; fix AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret key does not match the access key; fix AWS_SECRET_ACCESS_KEY",
    "PutObject.SignatureDoesNotMatch": "the signature of an upload does not match. If ./usbcam check reaches the "
    "bucket, a proxy before the store drops or changes headers; else fix AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the session token has expired; renew AWS_SESSION_TOKEN",
    "InvalidToken": "the session token is wrong; fix AWS_SESSION_TOKEN",
    "AccessDenied": "the credentials may not use the bucket {bucket}; allow s3:PutObject, s3:GetObject and "
    "s3:ListBucket, or fix S3_BUCKET or AWS_ACCESS_KEY_ID",
    "PermanentRedirect": "the bucket {bucket} is in another region{region}; fix AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket {bucket} is in another region{region}; fix AWS_REGION",
    "IllegalLocationConstraintException": "the bucket {bucket} is in another region{region}; fix AWS_REGION",
    "BucketAlreadyExists": "the name {bucket} is taken by another account, in all of S3; choose another S3_BUCKET",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "InvalidStorageClass": "the store does not know the storage class; fix S3_STORAGE_CLASS",
}


def remedy(code: str, error: ClientError) -> str:
    """What to do about an error; `{bucket}` and `{region}` are to be filled in."""
    if code.startswith("KMS."):
        return f"the key does not work ({code}); fix S3_KMS_KEY_ID"
    text = str(error.response.get("Error", {}).get("Message", "")) or str(error)
    plain = " ".join(text.replace("{", "(").replace("}", ")").split())[:200]
    return REMEDIES.get(f"{error.operation_name}.{code}") or REMEDIES.get(code, f"{code}: {plain}")
