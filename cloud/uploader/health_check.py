"""The health check of the uploader's container: the standard library alone, since it runs every few seconds."""

import os
import sys
from pathlib import Path

from common.runtime.heartbeat import health_problem

DEFAULT_FILE = Path("/tmp/usbcam-uploader.json")


def main() -> int:
    """Print how the running uploader is; the exit code is 0 or 1."""
    problem = health_problem(Path(os.environ.get("HEARTBEAT_FILE") or DEFAULT_FILE), "uploader")
    print(f"uploader: {problem or 'subscribed, and the bucket answers'}")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
