"""What enrolment reports: the table of edges for people, certificate expiry dates for the uploader."""

from pathlib import Path

from common.contract.certificate_expiry import CertificateExpiry
from common.runtime.files import SecretDir
from enroll.authority import CertificateAuthority
from enroll.registry import EdgeRegistry, EnrolledEdge
from enroll.x509 import read_certificate

COLUMNS = ("NAME", "ENROLLED", "EXPIRES", "CONNECTED")
READABLE = 0o644  # names and times, nothing secret


def edge_table(registry: EdgeRegistry, connected: set[str]) -> str:
    """Return one line for each edge, by name."""
    if not registry.edges:
        return "enroll: nobody is enrolled yet"
    rows = [_row(edge, connected) for edge in sorted(registry.edges, key=lambda edge: edge.name)]
    width = max(len(row[0]) for row in (COLUMNS, *rows))
    return "\n".join(
        f"{name:{width}}  {enrolled:10}  {expires:10}  {state}" for name, enrolled, expires, state in [COLUMNS, *rows]
    )


def write_expiry(file: Path, authority: CertificateAuthority, server: bytes | None) -> None:
    """Replace the file of expiry dates, if its folder exists."""
    if not file.parent.is_dir():
        return
    expiry = CertificateExpiry(
        broker=read_certificate(server).not_valid_after_utc if server else None,
        edges={edge.name: edge.expires_at for edge in authority.registry.edges},
        authority=authority.certificate.not_valid_after_utc,
        revoked=frozenset(authority.registry.revoked_names),
    )
    SecretDir(file.parent, READABLE).write(file.name, expiry.to_json())


def _row(edge: EnrolledEdge, connected: set[str]) -> tuple[str, str, str, str]:
    state = "yes" if edge.name in connected else "no"
    return edge.name, f"{edge.enrolled_at:%Y-%m-%d}", f"{edge.expires_at:%Y-%m-%d}", state
