"""The enrolment's command line: who may connect as an edge."""

import os
import sys
from dataclasses import dataclass
from typing import Self

import click

from common.runtime.command_line import SingleCommand, WrongInputError, say, version_option
from common.runtime.files import SecretDir, SecretDirError
from common.runtime.help_page import example
from common.runtime.settings import read_settings
from enroll.authority import CertificateAuthority
from enroll.backup import restore_backup, write_backup
from enroll.broker_sync import BrokerSync
from enroll.registry import EnrollmentError
from enroll.reports import edge_table, write_expiry
from enroll.settings import Settings

GROUP_READABLE = 0o640
SETTINGS = """Settings come from the environment and from .env in the current folder: CLOUD_HOST must be set,
CLOUD_PORT and CLOUD_EXTRA_NAMES may be."""
EPILOG = f"{SETTINGS}\n\n{example('./usbcam enroll porch')}"


@click.command("enroll", cls=SingleCommand, epilog=EPILOG)
@click.argument("name", required=False)
@click.option("--renew", is_flag=True, help="Make a new token for NAME; the certificate it has is revoked at once.")
@click.option("--list", "list_edges", is_flag=True, help="Show who is enrolled, until when, and who is connected.")
@click.option("--revoke", metavar="NAME", help="Revoke an edge's certificate at once.")
@click.option("--prepare", is_flag=True, help="Make or renew what the broker needs; `docker compose up` does this.")
@click.option("--backup", is_flag=True, help="Write the authority to standard output, for `./usbcam backup`.")
@click.option("--restore", is_flag=True, help="Read it from standard input, for `./usbcam restore`.")
@version_option
def main(*, name: str | None, renew: bool, revoke: str | None, **chosen: bool) -> int:
    """Enroll an edge: print EDGE_TOKEN=..., which goes into the .env of the edge called NAME.

    Instead of a NAME, give one of the other options.
    """
    if sum((name is not None, revoke is not None, *chosen.values())) != 1:
        raise click.UsageError("give a NAME, --list, --revoke NAME or --prepare, and only one of them")
    if renew and name is None:
        raise click.UsageError("--renew goes with a NAME")
    os.umask(0o077)
    settings = read_settings(Settings)
    folder = SecretDir(settings.authority_dir)
    try:
        with folder.locked():
            if chosen["restore"]:
                _restore(settings, folder)
                return 0
            enrollment = _Enrollment.open(settings, folder)
            if chosen["backup"]:
                write_backup(sys.stdout.buffer, settings.authority_dir, settings.identity_dir)
                return 0
            if chosen["prepare"]:
                enrollment.prepare()
            elif chosen["list_edges"]:
                enrollment.print_list()
            else:
                _change(enrollment, name, revoke, renew=renew)
            enrollment.write_expiry()
    except (EnrollmentError, SecretDirError) as error:
        raise WrongInputError(str(error)) from error
    return 0


def _change(enrollment: "_Enrollment", name: str | None, revoke: str | None, *, renew: bool) -> None:
    """Revoke an edge, or enroll the one of this name."""
    if revoke is not None:
        enrollment.revoke(revoke)
    else:
        enrollment.enroll(name or "", renew=renew)


def _restore(settings: Settings, folder: SecretDir) -> None:
    edges = restore_backup(sys.stdin.buffer, folder, SecretDir(settings.identity_dir))
    say(f"enroll: the authority is back; {edges} edges are enrolled")


@dataclass(frozen=True, slots=True)
class _Enrollment:
    """One command's work on the locked folder of the authority."""

    settings: Settings
    authority: CertificateAuthority
    broker: BrokerSync

    @classmethod
    def open(cls, settings: Settings, folder: SecretDir) -> Self:
        broker = BrokerSync(SecretDir(settings.identity_dir), SecretDir(settings.broker_data_dir))
        return cls(settings, CertificateAuthority(folder), broker)

    def enroll(self, name: str, *, renew: bool) -> None:
        token = self.authority.enroll(name, self.settings.cloud_host, self.settings.cloud_port, renew=renew)
        self._publish(self.settings.server_names, renewed=name if renew else "")
        click.echo(f"EDGE_TOKEN={token.encode()}")

    def revoke(self, name: str) -> None:
        self.authority.revoke(name)
        self.write_expiry()  # first: from now on the uploader drops what waits of this edge
        self._publish()
        say(
            f"enroll: {name} is revoked: its connection and its session at the broker are ended, "
            "and the uploader drops unread what waits of its images"
        )

    def print_list(self) -> None:
        say(edge_table(self.authority.registry, self.broker.connected()))

    def prepare(self) -> None:
        self.broker.publish(self.authority, self.settings.server_names)
        self._write_passwords()
        say(f"enroll: edges reach the broker at {self.settings.cloud_host}:{self.settings.cloud_port}")

    def write_expiry(self) -> None:
        """Write down when certificates expire, for the uploader. A failure is a warning: enrolment itself worked."""
        try:
            server = SecretDir(self.settings.identity_dir).read("server.pem")
            write_expiry(self.settings.certificates_file, self.authority, server)
        except SecretDirError as error:
            say(f"enroll: the uploader is not told when certificates expire: {error}", err=True)

    def _write_passwords(self) -> None:
        """Hand uploader and gallery their logins, if their folders exist: readable for the folder's group, theirs."""
        passwords = self.authority.passwords
        for file, password in (
            (self.settings.uploader_password_file, passwords.uploader),
            (self.settings.gallery_broker_password_file, passwords.gallery),
        ):
            if file.parent.is_dir():
                SecretDir(file.parent, GROUP_READABLE).write(file.name, password.text.encode())

    def _publish(self, hosts: list[str] | None = None, *, renewed: str = "") -> None:
        version = self.broker.publish(self.authority, hosts, renewed=renewed)
        if not self.broker.wait_applied(version):
            say("enroll: no broker is running; it applies this when it starts", err=True)


if __name__ == "__main__":
    main()
