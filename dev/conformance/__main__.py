"""`python -m dev.conformance HOST PORT`: tells for any MQTT 5 broker which of the needed things it grants."""

import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from common.mqtt import Login
from common.runtime.check_result import CheckResult, Status, failed, passed, print_results, skipped, warned
from common.runtime.command_line import SingleCommand
from common.runtime.help_page import example
from dev.conformance import edges, needs
from dev.conformance.client import Broker, Certificates, LessGrantedError, NotGrantedError
from dev.harness.enrolment import unpack_token

READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "conformance", cls=SingleCommand, epilog=example("python -m dev.conformance 10.0.0.7 1883 --edge-token porch.env")
)
@click.argument("host")
@click.argument("port", type=click.IntRange(1, 65535))
@click.option("--user", default="", help="A login that may write and read all of usbcam/.")
@click.option("--password-file", type=READABLE, help="Its password.")
@click.option("--image-mb", type=click.IntRange(1, 64), default=8, show_default=True, help="MAX_IMAGE_MB.")
@click.option("--edge-token", type=READABLE, help="What `enroll` printed; it tries what an enrolled edge may do.")
@click.option("--edge-port", type=click.IntRange(1, 65535), default=8883, show_default=True, help="For edges, by TLS.")
def main(host: str, port: int, user: str, password_file: Path | None, image_mb: int, **edge: object) -> int:
    """Try what usbcam needs at the broker of HOST and PORT: each line is a need.

    It asks for a broker that nobody uses yet: it writes images of its own to `usbcam/conformance-*/images`.
    """
    login = Login(user, password_file.read_text(encoding="utf-8").strip()) if password_file else None
    broker = Broker(host, port, login, image_megabytes=image_mb)
    statuses = print_results(try_broker(broker))
    token, edge_port = edge["edge_token"], edge["edge_port"]
    if isinstance(token, Path) and isinstance(edge_port, int) and Status.FAIL not in statuses[:1]:
        with tempfile.TemporaryDirectory() as folder:
            statuses += print_results(try_edge(broker, read_edge(token, Path(folder), host, edge_port)))
    return int(Status.FAIL in statuses)


def try_broker(broker: Broker) -> Iterator[CheckResult]:
    """Try every need of an uploader; without a connection none of the others."""
    first, *others = needs.NEEDS.items()
    result = _result(first[0], functools.partial(first[1], broker))
    yield result
    for name, need in others:
        if result.status is Status.FAIL:
            yield skipped(name, "not tried without a connection")
        else:
            yield _result(name, functools.partial(need, broker))


def try_edge(broker: Broker, edge: edges.TriedEdge) -> Iterator[CheckResult]:
    """Try every need of an edge, and every attack."""
    for name, need in edges.NEEDS.items():
        yield _result(name, functools.partial(need, broker, edge))


def read_edge(token: Path, folder: Path, host: str, port: int) -> edges.TriedEdge:
    """Unpack a token into the folder."""
    name, credentials = unpack_token(token.read_text(encoding="ascii"), folder)
    certificates = Certificates(credentials.authority, credentials.certificate, credentials.key)
    return edges.TriedEdge(name, Broker(host, port, certificates=certificates))


def _result(name: str, need: Callable[[], str]) -> CheckResult:
    try:
        return passed(name, need())
    except LessGrantedError as error:
        return warned(name, str(error))
    except NotGrantedError as error:
        return failed(name, str(error))


if __name__ == "__main__":
    main()
