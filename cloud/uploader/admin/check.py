"""All that `uploader check` looks at, in the order of a capture's way."""

from collections.abc import Iterator

from common.contract.certificate_expiry import read
from common.runtime.check_result import CheckResult
from uploader.admin import broker, certificates, host
from uploader.admin.bucket import existence as bucket
from uploader.admin.identity import access
from uploader.settings import Settings


def run_checks(settings: Settings) -> Iterator[CheckResult]:
    yield from broker.examine(settings)
    yield from bucket.examine(access(settings), settings)
    yield from certificates.examine(read(settings.certificates_file))
    yield from host.examine(settings)
