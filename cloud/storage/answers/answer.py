"""What a response of S3 says: its code, status, region and redirect."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

REDIRECTS = {301, 302, 303, 307, 308}
ALIASES = {
    "404": "NoSuchBucket",
    "403": "AccessDenied",
    "Forbidden": "AccessDenied",
    "AllAccessDisabled": "AccessDenied",
    "AccountProblem": "AccessDenied",
    "301": "PermanentRedirect",
    "TokenRefreshRequired": "ExpiredToken",
    "InvalidClientTokenId": "InvalidAccessKeyId",  # what STS calls it
}


class UnsuitableStoreError(Exception):
    """The store answered, and not as S3 does; the message is one sentence."""


def raw_code(error: ClientError) -> str:
    """S3's error code as it came; empty without one."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_code(error: Exception) -> str:
    """S3's error code, with aliases resolved; empty without a response."""
    return resolve_alias(raw_code(error)) if isinstance(error, ClientError) else ""


def resolve_alias(code: str) -> str:
    """The code of S3 that means the same."""
    return ALIASES.get(code, code)


def http_status(error: ClientError) -> int:
    """The HTTP status of S3's response; 0 without one."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def region_of(error: ClientError) -> str:
    """The region where the bucket is; empty if the response does not tell."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region: object = error.response.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region", "")
    return str(region) if re.fullmatch(r"[a-z0-9-]{1,40}", str(region)) else ""


def redirect_target(error: ClientError) -> str:
    """Where a proxy sends us, as scheme, host and port; a store's own redirect names a region instead."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    found = re.match(r"https?://[\w.:\[\]-]+", headers.get("location", ""))
    return found[0] if found else "another page"


def is_web_page(error: ClientError) -> bool:
    """Tell a web server's answer; HEAD has no body to judge by."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return "text/html" in headers.get("content-type", "") and not error.operation_name.startswith("Head")


def member(response: Mapping[str, Any], name: str, operation: str) -> Any:
    """Take what S3 always answers; raises UnsuitableStoreError.

    A store that does not know the request may answer another one.
    """
    if response.get(name, {}) == {}:
        raise UnsuitableStoreError(f"it answered {operation} with something else, so it does not have this feature")
    return response[name]
