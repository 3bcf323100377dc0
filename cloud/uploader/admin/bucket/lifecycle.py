"""How long captures stay: our rules in the bucket's lifecycle, next to which other rules stay as they are."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, failed, passed, warned
from storage.answers.answer import member
from storage.keys.template import is_unique_per_capture, parse_id
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Rule = dict[str, Any]
SUBJECT = "retention"
CAPTURES, REJECTED = "usbcam", "usbcam-rejected"  # the IDs of our rules
MINIMUM_SIZE_OPTION = "TransitionDefaultMinimumObjectSize"
INCOMPLETE_DAYS = 7
MAX_LISTED = 1000  # objects, to see whether the bucket holds anything but captures


def without_expiry(settings: Settings) -> CheckResult | None:
    """Say what S3_RETENTION_DAYS means at a store that does not expire objects; None where it is not set."""
    if settings.s3_retention_days is None:
        return None
    wanted = f"S3_RETENTION_DAYS={settings.s3_retention_days} does nothing"
    return warned(SUBJECT, f"the store does not expire objects, so {wanted}; delete old captures in another way")


def check_retention(s3: "S3Client", settings: Settings) -> Iterator[CheckResult]:
    """Check what S3_RETENTION_DAYS asks for; raises S3_ERRORS."""
    if settings.s3_retention_days is None:
        return
    if is_configured(s3, settings):
        yield passed(SUBJECT, f"as S3_RETENTION_DAYS={settings.s3_retention_days} says")
    else:
        yield warned(SUBJECT, "the bucket does not do what S3_RETENTION_DAYS says; ./usbcam setup changes that")


def ensure_retention(s3: "S3Client", settings: Settings) -> CheckResult:
    """Make our rules say what S3_RETENTION_DAYS says; without it, what they said before."""
    before, options = _read(s3, settings.s3_bucket)
    wanted = _wanted(settings, before)
    if _same(before, wanted):
        return passed(SUBJECT, _describe(wanted))
    foreign = _foreign_object(s3, settings, before, wanted)
    if foreign:
        remedy = "keep captures in their own bucket, or begin S3_KEY_TEMPLATE with a prefix such as faces/"
        return failed(SUBJECT, f"S3_RETENTION_DAYS would also delete {foreign}, which is not a capture; {remedy}")
    others = [rule for rule in before if not _is_ours(rule)]
    configuration: Any = {"Rules": [*others, *wanted]}
    s3.put_bucket_lifecycle_configuration(Bucket=settings.s3_bucket, LifecycleConfiguration=configuration, **options)
    kept = f"; {len(others)} other rules stay" if others else ""
    return changed(SUBJECT, f"{_describe(wanted)}{kept}")


def is_configured(s3: "S3Client", settings: Settings) -> bool:
    before, _ = _read(s3, settings.s3_bucket)
    return _same(before, _wanted(settings, before))


def _read(s3: "S3Client", bucket: str) -> tuple[list[Rule], dict[str, Any]]:
    """Return the rules, and the options that a new configuration must repeat to leave the other rules unchanged."""
    try:
        response: Any = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return [], {}
    rules = list(member(response, "Rules", "GetBucketLifecycleConfiguration"))
    return rules, {name: response[name] for name in (MINIMUM_SIZE_OPTION,) if name in response}


def _wanted(settings: Settings, before: list[Rule]) -> list[Rule]:
    days = settings.s3_retention_days
    if days is None:
        days = next((_days(rule) for rule in before if _is_ours(rule)), 0)
    start = settings.s3_key_template.partition("{")[0].rpartition("/")
    prefix = start[0] + start[1]
    if not prefix:
        return [_rule(CAPTURES, "", days)]
    return [_rule(CAPTURES, prefix, days), _rule(REJECTED, "rejected/", days)]


def _rule(rule_id: str, prefix: str, days: int) -> Rule:
    rule: Rule = {"ID": rule_id, "Status": "Enabled", "Filter": {"Prefix": prefix}}
    if days:
        # In a versioned bucket, what expires would otherwise stay indefinitely as an old version.
        rule |= {"Expiration": {"Days": days}, "NoncurrentVersionExpiration": {"NoncurrentDays": days}}
    return rule | {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": INCOMPLETE_DAYS}}


def _is_ours(rule: Rule) -> bool:
    return rule.get("ID") in {CAPTURES, REJECTED}


def _days(rule: Rule) -> int:
    return int(rule.get("Expiration", {}).get("Days", 0))


def _same(before: list[Rule], wanted: list[Rule]) -> bool:
    return sorted(map(_essentials, filter(_is_ours, before))) == sorted(map(_essentials, wanted))


def _essentials(rule: Rule) -> tuple[str, str, str, int, int]:
    abort = rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0)
    prefix = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    return rule["ID"], rule["Status"], prefix, _days(rule), int(abort)


def _describe(rules: list[Rule]) -> str:
    days, where = _days(rules[0]), " and ".join(rule["Filter"]["Prefix"] or "the whole bucket" for rule in rules)
    expiry = f"what is older than {days} days is deleted" if days else "nothing is deleted by age"
    return f"{where}: {expiry}, incomplete uploads after {INCOMPLETE_DAYS} days"


def _foreign_object(s3: "S3Client", settings: Settings, before: list[Rule], wanted: list[Rule]) -> str | None:
    """Find an object that is not a capture before it is deleted by age; keys without {id} cannot be told apart."""
    is_new = _days(wanted[0]) and not any(_days(rule) for rule in before if _is_ours(rule))
    if not is_new or wanted[0]["Filter"]["Prefix"] or not is_unique_per_capture(settings.s3_key_template):
        return None
    response = s3.list_objects_v2(Bucket=settings.s3_bucket, MaxKeys=MAX_LISTED)
    keys = (item["Key"] for item in response.get("Contents", []))
    return next((key for key in keys if not parse_id(key) and not key.startswith(("rejected/", "."))), None)
