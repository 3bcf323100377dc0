"""Certificates that end soon: an edge whose certificate has ended is shut out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from common.contract.certificate_expiry import Certificates
from common.runtime.check_result import CheckResult, failed, passed, warned

SOON = timedelta(days=30)
RUN = "docker compose -f docker-compose.cloud.yml"


def examine(certificates: Certificates) -> Iterator[CheckResult]:
    """Look at all; where enrolment runs elsewhere there is nothing to see."""
    if certificates.broker is not None:
        yield from _look("broker's TLS", certificates.broker, f"{RUN} up --detach, then restart cloud-broker")
    for name, ends in sorted(certificates.edges.items()):
        yield from _look(f"edge {name}", ends, f"{RUN} run --rm enroll {name} --renew")
    if certificates.edges:
        first = min(certificates.edges, key=lambda name: certificates.edges[name])
        ends = certificates.edges[first]
        yield passed("edges", f"{len(certificates.edges)} enrolled; the first to end is {first}, {ends:%Y-%m-%d}")


def _look(subject: str, ends: datetime, mend: str) -> Iterator[CheckResult]:
    left = ends - datetime.now(UTC)
    if left <= timedelta():
        yield failed(subject, f"its certificate ended on {ends:%Y-%m-%d}; renew it: {mend}")
    elif left < SOON:
        yield warned(subject, f"its certificate ends on {ends:%Y-%m-%d}; renew it: {mend}")
