"""Healthy when the S3 server answers and the bucket is there."""

import os
import urllib.error
import urllib.request


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - both addresses are in this file
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def main() -> None:
    bucket = os.environ["STORE_BUCKET"]
    try:
        door = status("http://127.0.0.1:8333/")
        found = status(f"http://127.0.0.1:8888/buckets/{bucket}/?limit=1")
    except OSError as error:
        raise SystemExit(f"store: does not answer: {error}") from error
    if door != 403:  # noqa: PLR2004 - without keys nobody gets in
        raise SystemExit(f"store: S3 answered {door} to a stranger, not 403")
    if found != 200:  # noqa: PLR2004
        raise SystemExit(f"store: bucket {bucket} is not there yet")


if __name__ == "__main__":
    main()
