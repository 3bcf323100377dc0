"""When certificates end, for the uploader to tell whoever watches over them: names and times, nothing secret."""

import json
from pathlib import Path

from common.runtime.files import SecretDir
from enroll.authority import Authority
from enroll.x509 import read_certificate

READABLE = 0o644


def write(file: Path, authority: Authority, server: bytes | None) -> None:
    """Replace the file, where there is a place for it."""
    if not file.parent.is_dir():
        return
    dates = {
        "authority": authority.certificate.not_valid_after_utc,
        "edges": {edge.name: edge.expires_at for edge in authority.register.edges},
    }
    if server:
        dates["broker"] = read_certificate(server).not_valid_after_utc
    SecretDir(file.parent, READABLE).write(file.name, json.dumps(dates, default=str, indent=1).encode())
