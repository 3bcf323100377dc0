"""What a bucket's answer tells besides that it is there: its region, and what time S3 has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

from botocore.exceptions import ClientError

NO_REGION = "aws-global"  # botocore's word
REFUSED_SECONDS = 15 * 60  # S3 refuses clocks that differ by more
ODD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """Read from the headers, so that it costs no further request."""

    region: str | None  # the bucket's; stores other than AWS seldom say it
    skew_seconds: float | None  # how far our clock is ahead of S3's

    @classmethod
    def read(cls, response: Mapping[str, Any]) -> Self:
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = response.get("BucketRegion") or headers.get("x-amz-bucket-region")
        return cls(region, _skew(headers.get("date")))

    @classmethod
    def of_error(cls, error: Exception) -> Self:
        return cls.read(error.response) if isinstance(error, ClientError) else cls(None, None)

    def region_problem(self, bucket: str, ours: str) -> str | None:
        """Say it when AWS_REGION is not the bucket's: uploads find their way, but links would not work."""
        if self.region is None or self.region == ours:
            return None
        told = "is not set" if ours == NO_REGION else f"is {ours}"
        return f"the bucket {bucket} is in {self.region} and AWS_REGION {told}; set AWS_REGION={self.region}"

    def clock_problem(self) -> str | None:
        """Say it when our clock and S3's differ."""
        skew = self.skew_seconds
        if skew is None or abs(skew) <= ODD_SECONDS:
            return None
        way = "ahead of" if skew > 0 else "behind"
        refused = abs(skew) > REFUSED_SECONDS
        follows = "S3 refuses more than 15 minutes" if refused else "past 15 minutes S3 refuses everything"
        return f"this machine's clock is {abs(skew):.0f} s {way} S3's, and {follows}; set it, best by NTP"


def _skew(date: str | None) -> float | None:
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return (datetime.now(UTC) - theirs.astimezone(UTC)).total_seconds()
