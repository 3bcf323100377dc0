"""What the headers of any answer say about the bucket and the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

from botocore.exceptions import ClientError

NO_REGION = "aws-global"  # botocore's word
MAX_SKEW_SECONDS = 15 * 60  # S3 refuses clocks that differ by more
WARN_SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class BucketInfo:
    """What the headers of a response say about the bucket and the clock; costs no further request."""

    region: str | None  # the bucket's; stores other than AWS seldom send it
    skew_seconds: float | None  # how far our clock is ahead of S3's

    @classmethod
    def parse(cls, response: Mapping[str, Any]) -> Self:
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = response.get("BucketRegion") or headers.get("x-amz-bucket-region")
        return cls(region, _skew_seconds(headers.get("date")))

    @classmethod
    def of_error(cls, error: Exception) -> Self:
        return cls.parse(error.response) if isinstance(error, ClientError) else cls(None, None)

    def region_problem(self, bucket: str, ours: str) -> str | None:
        """Report an AWS_REGION that is not the bucket's: uploads are redirected, but presigned URLs would fail."""
        if self.region is None or self.region == ours:
            return None
        configured = "is not set" if ours == NO_REGION else f"is {ours}"
        return f"the bucket {bucket} is in {self.region} and AWS_REGION {configured}; set AWS_REGION={self.region}"

    def clock_problem(self) -> str | None:
        """Report a clock that differs from S3's."""
        skew = self.skew_seconds
        if skew is None or abs(skew) <= WARN_SKEW_SECONDS:
            return None
        direction = "ahead of" if skew > 0 else "behind"
        refused = abs(skew) > MAX_SKEW_SECONDS
        consequence = "S3 refuses more than 15 minutes" if refused else "past 15 minutes S3 refuses everything"
        return f"this machine's clock is {abs(skew):.0f} s {direction} S3's, and {consequence}; set it, best by NTP"


def _skew_seconds(date: str | None) -> float | None:
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return (datetime.now(UTC) - theirs.astimezone(UTC)).total_seconds()
