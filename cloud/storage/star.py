"""The star: an object's tag by which the bucket's retention spares it, and a list of what has one.

What retention may delete is tagged `usbcam=expires` from the start: a lifecycle rule can ask for a tag, and not for the
lack of one. A star replaces the tag. Empty objects below `.usbcam-starred/` are the list: tags cannot be searched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from storage.answers.answer import error_code
from storage.answers.refusals import is_unsupported
from storage.errors import S3_ERRORS
from storage.keys import folders
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TagTypeDef

TAG, EXPIRES, STARRED = "usbcam", "expires", "starred"
NOT_TAGGED = (
    "pictures are stored without the tag usbcam=expires, by which S3_RETENTION_DAYS knows them; "
    "allow s3:PutObjectTagging and s3:GetObjectTagging, and run ./usbcam setup"
)


def tags_of_new(settings: StorageSettings) -> dict[str, str]:
    """What a new capture is tagged with."""
    return {TAG: EXPIRES} if settings.s3_retention_days else {}


def tagging(tags: dict[str, str]) -> str:
    """Tags as a PUT takes them."""
    return "&".join(f"{name}={value}" for name, value in tags.items())


def read_tags(s3: "S3Client", bucket: str, key: str) -> dict[str, str]:
    """All tags of an object; raises what boto3 raises."""
    return {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=bucket, Key=key).get("TagSet", [])}


def set_tag(s3: "S3Client", bucket: str, key: str, value: str) -> None:
    """Give an object our tag, next to those of others; raises what boto3 raises."""
    before = read_tags(s3, bucket, key)
    if before.get(TAG) != value:
        s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": _tag_set(before | {TAG: value})})


@dataclass(frozen=True, slots=True)
class Retention:
    """What the bucket's lifecycle rules do to one object."""

    ends: bool | None  # whether one deletes it by its age, star or not; None where rules are not to be seen
    by_tag: bool  # whether one asks for our tag; only `setup` writes it, where the store keeps tags

    @classmethod
    def read(cls, s3: "S3Client", bucket: str, key: str) -> Self:
        try:
            rules: Any = s3.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", [])
        except S3_ERRORS as error:
            is_none = error_code(error) == "NoSuchLifecycleConfiguration" or is_unsupported(error)
            return cls(False if is_none else None, by_tag=False)
        ending = [rule for rule in rules if rule.get("Status") == "Enabled" and "Expiration" in rule]
        reaching = [rule_tags(rule) for rule in ending if key.startswith(rule_prefix(rule))]
        return cls([] in reaching, by_tag=[{"Key": TAG, "Value": EXPIRES}] in reaching)


def rule_prefix(rule: Mapping[str, Any]) -> str:
    """Where a lifecycle rule holds."""
    chosen = rule.get("Filter", {})
    return str(chosen.get("And", {}).get("Prefix", "") or chosen.get("Prefix", rule.get("Prefix", "")))


def rule_tags(rule: Mapping[str, Any]) -> list[dict[str, str]]:
    """For which tags alone a lifecycle rule holds; none: for everything."""
    chosen = rule.get("Filter", {})
    return list(chosen.get("And", {}).get("Tags", [])) or [tag for tag in (chosen.get("Tag"),) if tag]


def marker(key: str) -> str:
    """The name of the empty object that stands for a star."""
    return f"{folders.STARRED_FOLDER}{key}"


def keys_of(markers: Iterable[str]) -> set[str]:
    return {name.removeprefix(folders.STARRED_FOLDER) for name in markers}


def _tag_set(tags: dict[str, str]) -> "list[TagTypeDef]":
    return [{"Key": name, "Value": value} for name, value in tags.items()]
