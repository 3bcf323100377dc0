"""Lets edges in: NAME prints the token that joins an edge, --list shows who is in, --revoke NAME shuts one out."""

import argparse
import os
import sys
from typing import NoReturn

from pydantic import ValidationError

from common.runtime.files import Folder, FolderError
from enroll import reports as dates
from enroll.authority import Authority
from enroll.broker_sync import Broker
from enroll.registry import NameError_
from enroll.settings import Settings, sentences
from enroll.table import table

WRONG = 2


def main() -> int:
    arguments = _arguments()
    os.umask(0o077)
    try:
        return run(arguments, Settings())
    except ValidationError as error:
        return fail(*sentences(error))
    except (NameError_, FolderError) as error:
        return fail(str(error))


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    folder = Folder(settings.authority_dir)
    broker = Broker(Folder(settings.identity_dir), Folder(settings.broker_data_dir))
    with folder.locked():
        authority = Authority(folder)
        if arguments.prepare:
            broker.tell(authority, settings.server_names)
            print(f"enroll: edges reach the broker at {settings.cloud_host}:{settings.cloud_port}")
        elif arguments.list:
            print(table(authority.register, broker.connected()))
        elif arguments.revoke:
            revoke(arguments.revoke, authority, broker)
        else:
            enrol(arguments, settings, authority, broker)
        tell_dates(settings, authority)
    return 0


def enrol(arguments: argparse.Namespace, settings: Settings, authority: Authority, broker: Broker) -> None:
    name = arguments.name
    token = authority.enrol(name, settings.cloud_host, settings.cloud_port, again=arguments.again)
    tell(authority, broker, settings, renewed=name if arguments.again else "")
    print(f"EDGE_TOKEN={token.text()}")


def revoke(name: str, authority: Authority, broker: Broker) -> None:
    authority.revoke(name)
    tell(authority, broker)
    print(f"enroll: {name} is shut out")


def tell(authority: Authority, broker: Broker, settings: Settings | None = None, *, renewed: str = "") -> None:
    version = broker.tell(authority, settings.server_names if settings else None, renewed=renewed)
    if not broker.applied(version):
        print("enroll: no broker answers now; it takes this over when it starts", file=sys.stderr)


def tell_dates(settings: Settings, authority: Authority) -> None:
    """Nobody is shut out because the uploader cannot learn of it."""
    try:
        dates.write(settings.certificates_file, authority, Folder(settings.identity_dir).read("server.pem"))
    except FolderError as error:
        print(f"enroll: nobody is told when certificates end: {error}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"enroll: {message}; see --help\n")


def _arguments() -> argparse.Namespace:
    parser = _Parser(prog="enroll", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("name", nargs="?", metavar="NAME", help="print EDGE_TOKEN=... for the edge of this name")
    what.add_argument("--list", action="store_true", help="show who is enrolled, until when, and who is connected")
    what.add_argument("--revoke", metavar="NAME", help="shut an edge out at once")
    what.add_argument("--prepare", action="store_true", help="make or renew what the broker needs; `up` does this")
    parser.add_argument("--again", action="store_true", help="a new token for NAME; the one it has ends at once")
    arguments = parser.parse_args()
    if arguments.again and not arguments.name:
        parser.error("--again goes with a NAME")
    return arguments


def fail(*problems: str) -> int:
    for problem in problems:
        print(f"enroll: {problem}", file=sys.stderr)
    return WRONG


if __name__ == "__main__":
    sys.exit(main())
