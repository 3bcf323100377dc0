"""How long captures stay: our rules in the bucket's lifecycle, next to which other rules stay as they are."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, failed, passed, warned
from storage import capture
from storage.answers.answer import member
from storage.keys import folders
from storage.keys.template import is_unique_per_capture, parse_id
from storage.star import EXPIRES, TAG, rule_prefix, rule_tags
from uploader.admin.bucket.tags import key_folder, tag_captures, why_no_tags
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Rule = dict[str, Any]
SUBJECT = "retention"
CAPTURES, REJECTED, UPLOADS = "usbcam", "usbcam-rejected", "usbcam-uploads"  # the IDs of our rules
OUR_TAG = {"Key": TAG, "Value": EXPIRES}
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
    ends = _days_wanted(settings, before) > 0
    unspared = why_no_tags(s3, settings) if ends and not _has_tag(before) else None
    tagged = ends and unspared is None
    wanted = _wanted(settings, before, tagged=tagged)
    described = _describe(wanted) + (f"; stars in the gallery are not spared: {unspared}" if unspared else "")
    if _same(before, wanted):
        return passed(SUBJECT, described)
    if tagged and not _has_tag(before):
        tag_captures(s3, settings)
    foreign = _foreign_object(s3, settings, before, wanted)
    if foreign:
        remedy = "keep captures in their own bucket, or begin S3_KEY_TEMPLATE with a prefix such as faces/"
        return failed(SUBJECT, f"S3_RETENTION_DAYS would also delete {foreign}, which is not a capture; {remedy}")
    others = [rule for rule in before if not _is_ours(rule)]
    configuration: Any = {"Rules": [*others, *wanted]}
    s3.put_bucket_lifecycle_configuration(Bucket=settings.s3_bucket, LifecycleConfiguration=configuration, **options)
    kept = f"; {len(others)} other rules stay" if others else ""
    return changed(SUBJECT, f"{described}{kept}")


def is_configured(s3: "S3Client", settings: Settings) -> bool:
    """Whether the rules are as S3_RETENTION_DAYS says, with or without sparing what is starred."""
    before, _ = _read(s3, settings.s3_bucket)
    return any(_same(before, _wanted(settings, before, tagged=tagged)) for tagged in (False, True))


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


def _wanted(settings: Settings, before: list[Rule], *, tagged: bool) -> list[Rule]:
    days = _days_wanted(settings, before)
    prefix = key_folder(settings)
    rejected = _rule(REJECTED, capture.REJECTED_FOLDER, days)
    if tagged:  # S3 takes nothing about incomplete uploads in a rule with a tag
        captures = {"ID": CAPTURES, "Status": "Enabled", "Filter": _filter(prefix)} | _expiry(days)
        return [captures, rejected, _rule(UPLOADS, prefix, 0)]
    return [_rule(CAPTURES, prefix, days), *([rejected] if prefix else [])]


def _days_wanted(settings: Settings, before: list[Rule]) -> int:
    days = settings.s3_retention_days
    return next((_days(rule) for rule in before if _is_ours(rule)), 0) if days is None else days


def _filter(prefix: str) -> Rule:
    return {"And": {"Prefix": prefix, "Tags": [OUR_TAG]}} if prefix else {"Tag": OUR_TAG}


def _rule(rule_id: str, prefix: str, days: int) -> Rule:
    rule: Rule = {"ID": rule_id, "Status": "Enabled", "Filter": {"Prefix": prefix}}
    return rule | _expiry(days) | {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": INCOMPLETE_DAYS}}


def _expiry(days: int) -> Rule:
    # In a versioned bucket, what expires would otherwise stay indefinitely as an old version.
    return {"Expiration": {"Days": days}, "NoncurrentVersionExpiration": {"NoncurrentDays": days}} if days else {}


def _is_ours(rule: Rule) -> bool:
    return rule.get("ID") in {CAPTURES, REJECTED, UPLOADS}


def _has_tag(rules: list[Rule]) -> bool:
    return any(rule.get("ID") == CAPTURES and rule_tags(rule) == [OUR_TAG] for rule in rules)


def _days(rule: Rule) -> int:
    return int(rule.get("Expiration", {}).get("Days", 0))


def _same(before: list[Rule], wanted: list[Rule]) -> bool:
    return sorted(map(_essentials, filter(_is_ours, before))) == sorted(map(_essentials, wanted))


def _essentials(rule: Rule) -> tuple[str, str, str, int, int, bool]:
    abort = rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0)
    return rule["ID"], rule["Status"], rule_prefix(rule), _days(rule), int(abort), rule_tags(rule) == [OUR_TAG]


def _describe(rules: list[Rule]) -> str:
    days = _days(rules[0])
    if _has_tag(rules):
        kept = "stars are kept; everything else of ours"
        return f"{kept} is deleted after {days} days, incomplete uploads after {INCOMPLETE_DAYS} days"
    where = " and ".join(rule["Filter"]["Prefix"] or "the whole bucket" for rule in rules)
    expiry = f"what is older than {days} days is deleted" if days else "nothing is deleted by age"
    return f"{where}: {expiry}, incomplete uploads after {INCOMPLETE_DAYS} days"


def _foreign_object(s3: "S3Client", settings: Settings, before: list[Rule], wanted: list[Rule]) -> str | None:
    """Find an object that is not a capture before it is deleted by age; keys without {id} cannot be told apart."""
    is_new = _days(wanted[0]) and not any(_days(rule) for rule in before if _is_ours(rule))
    if not is_new or _has_tag(wanted) or rule_prefix(wanted[0]) or not is_unique_per_capture(settings.s3_key_template):
        return None
    response = s3.list_objects_v2(Bucket=settings.s3_bucket, MaxKeys=MAX_LISTED)
    keys = (item["Key"] for item in response.get("Contents", []))
    return next((key for key in keys if not parse_id(key) and not folders.holds_no_captures(key)), None)
