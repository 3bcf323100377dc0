"""How long captures stay: rules of ours in the bucket's lifecycle, beside which others' rules stay as they are."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from common.runtime.check_result import CheckResult, changed, failed, passed
from storage.keys import is_unique_per_capture, parse_id
from uploader.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Rule = dict[str, Any]
CAPTURES, REJECTED = "usbcam", "usbcam-rejected"  # the rules' names
SMALLEST = "TransitionDefaultMinimumObjectSize"
INCOMPLETE_DAYS = 7
LOOKED_AT = 1000  # objects, to see whether the bucket is ours alone


def settle(s3: "S3Client", settings: Settings) -> CheckResult:
    """Make our rules say what S3_RETENTION_DAYS says; without it, what they said before."""
    before, options = _read(s3, settings.s3_bucket)
    wanted = _wanted(settings, before)
    if _same(before, wanted):
        return passed("retention", _told(wanted))
    stranger = _stranger(s3, settings, before, wanted)
    if stranger:
        mend = "keep captures in a bucket of their own, or begin S3_KEY_TEMPLATE with a folder"
        return failed("retention", f"S3_RETENTION_DAYS would delete {stranger}, too, which is no capture; {mend}")
    others = [rule for rule in before if not _is_ours(rule)]
    configuration: Any = {"Rules": [*others, *wanted]}
    s3.put_bucket_lifecycle_configuration(Bucket=settings.s3_bucket, LifecycleConfiguration=configuration, **options)
    kept = f"; {len(others)} rules of others stay" if others else ""
    return changed("retention", f"{_told(wanted)}{kept}")


def is_settled(s3: "S3Client", settings: Settings) -> bool:
    before, _ = _read(s3, settings.s3_bucket)
    return _same(before, _wanted(settings, before))


def _read(s3: "S3Client", bucket: str) -> tuple[list[Rule], dict[str, Any]]:
    """Return the rules, and what a new configuration must repeat in order not to change it for others' rules."""
    try:
        answer: Any = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return [], {}
    return list(answer["Rules"]), {name: answer[name] for name in (SMALLEST,) if name in answer}


def _wanted(settings: Settings, before: list[Rule]) -> list[Rule]:
    days = settings.s3_retention_days
    if days is None:
        days = next((_days(rule) for rule in before if _is_ours(rule)), 0)
    start = settings.s3_key_template.partition("{")[0].rpartition("/")
    folder = start[0] + start[1]
    if not folder:
        return [_rule(CAPTURES, "", days)]
    return [_rule(CAPTURES, folder, days), _rule(REJECTED, "rejected/", days)]


def _rule(name: str, prefix: str, days: int) -> Rule:
    rule: Rule = {"ID": name, "Status": "Enabled", "Filter": {"Prefix": prefix}}
    if days:
        # Where versions are kept, what expires would stay for ever as an old one.
        rule |= {"Expiration": {"Days": days}, "NoncurrentVersionExpiration": {"NoncurrentDays": days}}
    return rule | {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": INCOMPLETE_DAYS}}


def _is_ours(rule: Rule) -> bool:
    return rule.get("ID") in {CAPTURES, REJECTED}


def _days(rule: Rule) -> int:
    return int(rule.get("Expiration", {}).get("Days", 0))


def _same(before: list[Rule], wanted: list[Rule]) -> bool:
    return sorted(map(_said, filter(_is_ours, before))) == sorted(map(_said, wanted))


def _said(rule: Rule) -> tuple[str, str, str, int, int]:
    abort = rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0)
    prefix = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    return rule["ID"], rule["Status"], prefix, _days(rule), int(abort)


def _told(rules: list[Rule]) -> str:
    days, where = _days(rules[0]), " and ".join(rule["Filter"]["Prefix"] or "the whole bucket" for rule in rules)
    expiry = f"what is older than {days} days goes" if days else "nothing goes by age"
    return f"{where}: {expiry}, incomplete uploads go after {INCOMPLETE_DAYS} days"


def _stranger(s3: "S3Client", settings: Settings, before: list[Rule], wanted: list[Rule]) -> str | None:
    """Find an object that is none of ours before it is deleted by age; names without {id} cannot be told apart."""
    new = _days(wanted[0]) and not any(_days(rule) for rule in before if _is_ours(rule))
    if not new or wanted[0]["Filter"]["Prefix"] or not is_unique_per_capture(settings.s3_key_template):
        return None
    answer = s3.list_objects_v2(Bucket=settings.s3_bucket, MaxKeys=LOOKED_AT)
    keys = (item["Key"] for item in answer.get("Contents", []))
    return next((key for key in keys if not parse_id(key) and not key.startswith(("rejected/", "."))), None)
