"""Folders of the bucket that are ours and hold no captures, whatever S3_KEY_TEMPLATE says."""

from storage.capture import REJECTED_FOLDER

OURS = ".usbcam-"  # how the names of the others begin; no edge has such a name
CHECK_FOLDER, SHARED_FOLDER, STARRED_FOLDER = f"{OURS}check/", f"{OURS}shared/", f"{OURS}starred/"


def holds_no_captures(prefix: str) -> bool:
    """Whether a key, or a folder that ends with /, is or lies in one of them."""
    return prefix.startswith((REJECTED_FOLDER, OURS))
