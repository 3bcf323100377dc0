"""All that `uploader check` looks at, in the order of a capture's way."""

from collections.abc import Iterator

from uploader.certificates import read
from uploader.check import broker, bucket, certificates, host
from uploader.check.access import access
from uploader.finding import Finding
from uploader.settings import Settings


def examine(settings: Settings) -> Iterator[Finding]:
    yield from broker.examine(settings)
    yield from bucket.examine(access(settings), settings)
    yield from certificates.examine(read(settings.certificates_file))
    yield from host.examine(settings)
