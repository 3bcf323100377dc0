"""The bucket: S3_* and AWS_*."""

from __future__ import annotations

import difflib
import re
from urllib.parse import urlsplit

from cli.settings import spoken
from cli.settings.dotenv.env_file import EnvFile
from cli.settings.rules import template
from cli.settings.rules.hosts import LOOPBACK, Rule, in_containers
from cli.settings.shown import KEY_ID

BUCKET = re.compile(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
ARN = re.compile(r"arn:[a-z-]+:s3[a-z-]*:[a-z0-9-]*:\d{12}:(accesspoint|outpost)[/:][A-Za-z0-9./:-]{1,150}")
ADDRESS = re.compile(r"(^|\.)s3[.-]([a-z0-9.-]+\.)?amazonaws\.com(\.cn)?$")  # of S3 itself, in a host's name
REGION = re.compile(r"[a-z]{2,3}(-[a-z]+){1,3}-[1-9]")
# Places of AWS's regions. A number behind a place may be new; a place that is nearly one of these is mistyped.
PLACES = [
    "us-east",
    "us-west",
    "us-gov-east",
    "us-gov-west",
    "ca-central",
    "ca-west",
    "mx-central",
    "sa-east",
    "eu-central",
    "eu-west",
    "eu-north",
    "eu-south",
    "eusc-de-east",
    "ap-south",
    "ap-southeast",
    "ap-northeast",
    "ap-east",
    "me-south",
    "me-central",
    "il-central",
    "af-south",
    "cn-north",
    "cn-northwest",
]
CITIES = {
    "frankfurt": "eu-central-1", "ireland": "eu-west-1", "dublin": "eu-west-1", "london": "eu-west-2",
    "paris": "eu-west-3", "stockholm": "eu-north-1", "milan": "eu-south-1", "spain": "eu-south-2",
    "zurich": "eu-central-2", "virginia": "us-east-1", "n.-virginia": "us-east-1", "ohio": "us-east-2",
    "california": "us-west-1", "oregon": "us-west-2", "montreal": "ca-central-1", "canada": "ca-central-1",
    "sao-paulo": "sa-east-1", "tokyo": "ap-northeast-1", "seoul": "ap-northeast-2", "osaka": "ap-northeast-3",
    "singapore": "ap-southeast-1", "sydney": "ap-southeast-2", "mumbai": "ap-south-1", "cape-town": "af-south-1",
}  # fmt: skip
CLASSES = [
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "GLACIER_IR",
    "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
    "EXPRESS_ONEZONE",
    "OUTPOSTS",
    "SNOW",
]
URL = "a URL such as http://store:8333"
AWS_SECRET_LENGTH = 40
TEMPORARY = "ASIA"


def bucket(value: str, _env: EnvFile) -> str | None:
    is_address = ADDRESS.search(value.partition("/")[0]) is not None
    if ARN.fullmatch(value) or (BUCKET.fullmatch(value) and not is_address):
        return None
    if "://" in value:
        return f"has a scheme; write the bucket's name alone{_named(_bucket_of(value))}"
    if value.startswith("arn:") or is_address:
        return f"is an address; write the bucket's name alone{_named(_bucket_of(value))}"
    if "/" in value:
        name, _, _ = value.partition("/")
        return f"has a folder; write {name} here, and the folder at the beginning of S3_KEY_TEMPLATE"
    if value != value.lower():
        return f"has capitals, which no bucket has; write it in small letters{_named(value.lower())}"
    return "must be a bucket's name, 3 to 63 of a-z, 0-9, - and ., such as faces-of-mine"


def _bucket_of(address: str) -> str:
    """The bucket that is meant by s3://NAME/..., arn:aws:s3:::NAME, or S3's address with it before or behind."""
    host, _, path = re.sub(r"^\w+://|^arn:[^/]*:", "", address.lower()).partition("/")
    found = ADDRESS.search(host)
    if found is None:
        return host
    return host[: found.start()] or re.split("[/?]", path)[0]


def _named(name: str) -> str:
    return f": {name}" if BUCKET.fullmatch(name) else ""


def region(value: str, env: EnvFile) -> str | None:
    if env.get("S3_ENDPOINT_URL"):
        return "has a space; write the region's name" if re.search(r"\s", value) else None
    plain = value.lower().replace("_", "-").replace(" ", "-")
    if plain in CITIES:
        return f"is a place; write {CITIES[plain]}"
    if value != plain and REGION.fullmatch(plain):
        return f"must be in small letters with -; write {plain}"
    if plain in PLACES:
        return f"has no number behind it; write one such as {plain}-1"
    if re.fullmatch(REGION.pattern + "[a-f]", value):
        return f"is an availability zone; write the region, {value[:-1]}"
    place, _, number = value.rpartition("-")
    if REGION.fullmatch(value) and place in PLACES:
        return None
    close = difflib.get_close_matches(place if number.isdecimal() else value, PLACES, n=2, cutoff=0.75)
    if close:
        number = number if re.fullmatch("[1-9]", number) else "1"
        meant = f" {spoken.word('or')} ".join(f"{name}-{number}" for name in sorted(close))
        return f"is no region of AWS; did you mean {meant}?"
    return None if REGION.fullmatch(value) else "is no region of AWS; write one such as us-east-1"


def endpoint(value: str, env: EnvFile) -> str | None:
    if re.match(r"https?[:/]", value) and "://" not in value:
        return "has no :// behind its scheme; write http://HOST:PORT"
    if value.startswith("s3://"):
        return "is a bucket; write its name into S3_BUCKET, and leave this empty for AWS"
    if "://" not in value:
        return f"has no scheme; write http://{value} or https://{value}"
    try:
        parts = urlsplit(value)
        wrong = not parts.hostname or re.search(r"\s", value) is not None or parts.port == 0
    except ValueError:
        return f"has a wrong host or port; it must be {URL}"
    if parts.scheme not in {"http", "https"}:
        return "has a wrong scheme; write http:// or https://"
    if parts.username or parts.password:
        return "has a login in it; write the keys into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if wrong:
        return f"must be {URL}"
    name = env.get("S3_BUCKET")
    if name and parts.path.rstrip("/").endswith(f"/{name}"):
        return f"has the bucket in it already; write it without /{name}"
    if name and (parts.hostname or "").startswith(f"{name}.s3"):
        return f"has the bucket in it already; write it without {name}., or leave it empty for AWS"
    return None


def endpoint_url(value: str, env: EnvFile) -> str | None:
    found = endpoint(value, env)
    if not found and LOOPBACK.fullmatch(urlsplit(value).hostname or "") and in_containers():
        return "would be the container itself; write host.docker.internal in place of the host"
    return found


def key_id(value: str, env: EnvFile) -> str | None:
    if not KEY_ID.fullmatch(value) and KEY_ID.fullmatch(env.get("AWS_SECRET_ACCESS_KEY")):
        return "and AWS_SECRET_ACCESS_KEY have each other's values; exchange them"
    if not env.get("AWS_SECRET_ACCESS_KEY"):
        return "is set, but not AWS_SECRET_ACCESS_KEY; set both, or neither"
    if re.search(r"\s", value):
        return "has a space in it; paste the key again"
    if env.get("S3_ENDPOINT_URL"):
        return None
    if not KEY_ID.fullmatch(value):
        return "must be AWS's 20 capitals and digits; paste it again, and see that it is not the secret key"
    if value.startswith(TEMPORARY) and not env.get("AWS_SESSION_TOKEN"):
        return "is of temporary keys; set AWS_SESSION_TOKEN, too"
    return None


def session_token(_value: str, env: EnvFile) -> str | None:
    return None if env.get("AWS_ACCESS_KEY_ID") else "is set, but no AWS_ACCESS_KEY_ID; set all three, or none"


def secret_key(value: str, env: EnvFile) -> str | None:
    if KEY_ID.fullmatch(value) and env.get("AWS_ACCESS_KEY_ID") and not KEY_ID.fullmatch(env.get("AWS_ACCESS_KEY_ID")):
        return None  # AWS_ACCESS_KEY_ID says that both are exchanged
    if not env.get("AWS_ACCESS_KEY_ID"):
        return "is set, but not AWS_ACCESS_KEY_ID; set both, or neither"
    if re.search(r"\s", value):
        return "has a space in it; paste the key again"
    if not env.get("S3_ENDPOINT_URL") and len(value) != AWS_SECRET_LENGTH:
        return f"has {len(value)} characters, and AWS's have {AWS_SECRET_LENGTH}; paste it again"
    return None


def encryption_key(_value: str, env: EnvFile) -> str | None:
    return None if env.get("S3_SSE").lower() == "aws:kms" else "needs S3_SSE=aws:kms; set that, too"


def storage_class(value: str, env: EnvFile) -> str | None:
    plain = value.upper().replace("-", "_").replace(" ", "_")
    if value in CLASSES or (env.get("S3_ENDPOINT_URL") and re.fullmatch("[A-Z_]+", value)):
        return None
    close = difflib.get_close_matches(plain, CLASSES, n=1)
    if close:
        return f"is no storage class; did you mean {close[0]}?"
    return f"is no storage class; write {CLASSES[0]} or {CLASSES[1]}"


def profile(_value: str, _env: EnvFile) -> str | None:
    return "is not seen in containers, which have no ~/.aws; set AWS_CREDENTIALS_FILE" if in_containers() else None


RULES: dict[str, Rule] = {
    "S3_BUCKET": bucket,
    "AWS_REGION": region,
    "S3_ENDPOINT_URL": endpoint_url,
    "S3_PUBLIC_URL": endpoint,
    "S3_KEY_TEMPLATE": template.problem,
    "AWS_ACCESS_KEY_ID": key_id,
    "AWS_SECRET_ACCESS_KEY": secret_key,
    "AWS_SESSION_TOKEN": session_token,
    "S3_KMS_KEY_ID": encryption_key,
    "S3_STORAGE_CLASS": storage_class,
    "AWS_PROFILE": profile,
}
