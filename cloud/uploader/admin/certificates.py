"""Certificates that expire soon: an edge whose certificate has expired cannot connect."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from common.contract.certificate_expiry import CertificateExpiry
from common.runtime.check_result import CheckResult, failed, passed, warned
from common.runtime.deployment import new_broker_certificate

SOON = timedelta(days=30)


def check_certificates(certificates: CertificateExpiry) -> Iterator[CheckResult]:
    """Check all of them; where enrolment runs elsewhere there are none to check."""
    if certificates.broker is not None:
        yield from _check_expiry("broker's TLS", certificates.broker, new_broker_certificate())
    for name, expires_at in sorted(certificates.edges.items()):
        yield from _check_expiry(f"edge {name}", expires_at, f"./usbcam renew {name}")
    if certificates.edges:
        name, expires_at = min(certificates.edges.items(), key=lambda item: item[1])
        yield passed(
            "edges", f"{len(certificates.edges)} enrolled; the first to expire is {name}, {expires_at:%Y-%m-%d}"
        )


def _check_expiry(subject: str, expires_at: datetime, remedy: str) -> Iterator[CheckResult]:
    left = expires_at - datetime.now(UTC)
    if left <= timedelta():
        yield failed(subject, f"its certificate expired on {expires_at:%Y-%m-%d}; renew it: {remedy}")
    elif left < SOON:
        yield warned(subject, f"its certificate expires on {expires_at:%Y-%m-%d}; renew it: {remedy}")
