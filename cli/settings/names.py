"""The names that a setting can have: those of .env.example."""

from __future__ import annotations

import difflib
import functools
import re
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"
SETTING = re.compile(r"^#?([A-Z][A-Z0-9_]*)=", re.MULTILINE)
# Compose's and Docker's own, and those of proxies.
FOREIGN = re.compile(
    r"(COMPOSE|DOCKER|BUILDKIT|BUILDX)_[A-Z0-9_]+|(HTTP|HTTPS|FTP|NO|ALL|http|https|ftp|no|all)_(PROXY|proxy)"
)
SECRET = re.compile("SECRET|TOKEN|PASSWORD|NOTIFY_URLS")
LIKENESS = 0.72
# What other programs call it.
ALIASES = {
    "AWS_DEFAULT_REGION": "AWS_REGION", "REGION": "AWS_REGION", "S3_REGION": "AWS_REGION",
    "BUCKET": "S3_BUCKET", "BUCKET_NAME": "S3_BUCKET", "AWS_BUCKET": "S3_BUCKET", "AWS_S3_BUCKET": "S3_BUCKET",
    "ENDPOINT": "S3_ENDPOINT_URL", "S3_ENDPOINT": "S3_ENDPOINT_URL", "AWS_ENDPOINT_URL": "S3_ENDPOINT_URL",
    "ACCESS_KEY": "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY": "AWS_ACCESS_KEY_ID", "S3_ACCESS_KEY": "AWS_ACCESS_KEY_ID",
    "SECRET_KEY": "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY": "AWS_SECRET_ACCESS_KEY",
    "S3_SECRET_KEY": "AWS_SECRET_ACCESS_KEY", "AWS_SECRET": "AWS_SECRET_ACCESS_KEY",
    "TOKEN": "EDGE_TOKEN", "HOST": "CLOUD_HOST", "HOSTNAME": "CLOUD_HOST", "MQTT_HOST": "CLOUD_HOST",
    "MQTT_PORT": "CLOUD_PORT", "PORT": "CLOUD_PORT", "TZ": "TIMEZONE", "TIME_ZONE": "TIMEZONE",
    "CAMERA": "CAMERA_SOURCE", "DEVICE": "CAMERA_SOURCE", "CAMERA_DEVICE": "CAMERA_SOURCE", "RTSP_URL": "CAMERA_SOURCE",
    "CAMERA_URL": "CAMERA_SOURCE", "SOURCE": "CAMERA_SOURCE", "FPS": "FRAME_RATE", "WIDTH": "FRAME_WIDTH",
    "HEIGHT": "FRAME_HEIGHT", "CAPTURE_FORMAT": "IMAGE_FORMAT", "FORMAT": "IMAGE_FORMAT", "PRIVACY_MASK": "MASKS",
    "WEBCAM": "CAMERA_SOURCE", "CAM": "CAMERA_SOURCE", "VIDEO": "CAMERA_SOURCE", "STREAM": "CAMERA_SOURCE",
    "RTSP": "CAMERA_SOURCE", "USB": "CAMERA_SOURCE", "CLOUD": "CLOUD_HOST", "SERVER": "CLOUD_HOST",
    "BROKER": "CLOUD_HOST", "MQTT_BROKER": "CLOUD_HOST", "MQTT_SERVER": "CLOUD_HOST", "DOMAIN": "CLOUD_HOST",
    "IP": "CLOUD_HOST", "ADDRESS": "CLOUD_HOST", "EDGE_ID": "EDGE_NAME", "DEVICE_NAME": "EDGE_NAME",
    "WEBHOOK": "NOTIFY_URLS", "NTFY": "NOTIFY_URLS", "TELEGRAM": "NOTIFY_URLS", "EMAIL": "NOTIFY_URLS",
    "MAIL": "NOTIFY_URLS", "SLACK": "NOTIFY_URLS", "DISCORD": "NOTIFY_URLS", "NOTIFY": "NOTIFY_URLS",
    "DEBUG": "LOG_LEVEL", "VERBOSE": "LOG_LEVEL", "LOGLEVEL": "LOG_LEVEL", "RETENTION": "S3_RETENTION_DAYS",
    "PREFIX": "S3_KEY_TEMPLATE", "FOLDER": "S3_KEY_TEMPLATE", "S3_PATH": "S3_KEY_TEMPLATE",
    "ROTATION": "ROTATE", "PASSWORD": "LIVE_PASSWORD", "QOS": "MQTT_QOS", "NAME": "CAMERA_NAME",
}  # fmt: skip

VAGUE = {"HOST", "HOSTNAME", "PORT", "NAME", "PASSWORD", "SOURCE", "FORMAT", "IP", "ADDRESS", "DEVICE", "SERVER", "USB"}


@functools.lru_cache(maxsize=None)
def known_names() -> frozenset[str]:
    return frozenset(SETTING.findall(EXAMPLE.read_text(encoding="utf-8")))


def is_known(name: str) -> bool:
    return name in known_names() or FOREIGN.fullmatch(name) is not None


def is_secret(name: str) -> bool:
    return SECRET.search(name) is not None and not name.endswith("_FILE")


def correct(name: str) -> str:
    """The setting that was probably meant, or nothing."""
    plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    if plain in known_names():
        return plain
    if plain in ALIASES:
        return ALIASES[plain]
    turned = {_words(other): other for other in sorted(known_names())}
    if _words(plain) in turned:
        return turned[_words(plain)]
    by_word = {ALIASES[word] for word in plain.split("_") if word in ALIASES and word not in VAGUE}
    squeezed = {other.replace("_", ""): other for other in sorted(known_names())}
    close = difflib.get_close_matches(plain.replace("_", ""), squeezed, n=1, cutoff=LIKENESS)
    if close:
        return squeezed[close[0]]
    return by_word.pop() if len(by_word) == 1 else ""


def _words(name: str) -> tuple[str, ...]:
    return tuple(sorted(name.split("_")))
