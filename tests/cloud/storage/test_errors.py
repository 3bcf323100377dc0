"""What can be done about each of S3's errors."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from storage.errors import S3ErrorKind, classify


def response(code: str, status: int, message: str = "words {of} S3") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutObject",
    )


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (response("SlowDown", 503), S3ErrorKind.THROTTLED, "SlowDown"),
        (response("429", 429), S3ErrorKind.THROTTLED, "429"),
        (response("ConditionalRequestConflict", 409), S3ErrorKind.CONFLICT, "Conflict"),
        (response("InternalError", 500), S3ErrorKind.UNAVAILABLE, "InternalError"),
        (response("", 502), S3ErrorKind.UNAVAILABLE, "502"),
        (response("RequestTimeout", 400), S3ErrorKind.UNAVAILABLE, "RequestTimeout"),
        (response("BadDigest", 400), S3ErrorKind.UNAVAILABLE, "BadDigest"),
        (EndpointConnectionError(endpoint_url="http://store"), S3ErrorKind.UNAVAILABLE, "S3_ENDPOINT_URL"),
        (response("NoSuchBucket", 404), S3ErrorKind.DENIED, "S3_BUCKET"),
        (response("404", 404), S3ErrorKind.DENIED, "S3_BUCKET"),
        (response("AccessDenied", 403), S3ErrorKind.DENIED, "s3:PutObject"),
        (response("403", 403), S3ErrorKind.DENIED, "s3:PutObject"),
        (response("InvalidAccessKeyId", 403), S3ErrorKind.DENIED, "AWS_ACCESS_KEY_ID"),
        (response("SignatureDoesNotMatch", 403), S3ErrorKind.DENIED, "AWS_SECRET_ACCESS_KEY"),
        (response("ExpiredToken", 400), S3ErrorKind.DENIED, "AWS_SESSION_TOKEN"),
        (response("PermanentRedirect", 301), S3ErrorKind.DENIED, "AWS_REGION"),
        (response("AuthorizationHeaderMalformed", 400), S3ErrorKind.DENIED, "AWS_REGION"),
        (response("KMS.NotFoundException", 400), S3ErrorKind.DENIED, "S3_KMS_KEY_ID"),
        (response("InvalidStorageClass", 400), S3ErrorKind.DENIED, "S3_STORAGE_CLASS"),
        (response("EntityTooLarge", 400), S3ErrorKind.DENIED, "words (of) S3"),
        (NoCredentialsError(), S3ErrorKind.DENIED, "AWS_ACCESS_KEY_ID"),
    ],
)
def test_every_error_has_its_kind_and_names_its_remedy(error: Exception, kind: S3ErrorKind, word: str) -> None:
    s3_error = classify(error, "captures")

    assert s3_error.kind is kind
    assert word in s3_error.message
    assert "\n" not in s3_error.message


def test_the_same_problem_with_another_object_is_the_same_message() -> None:
    errors = [EndpointConnectionError(endpoint_url=f"http://store:8333/captures/{name}.png") for name in "ab"]

    first, second = (classify(error, "captures").message for error in errors)

    assert first == second
    assert "http://store:8333" in first
