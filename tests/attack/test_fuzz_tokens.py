"""Spoilt edge tokens, as the edge broker's start.sh reads them: one sentence, or a start with nothing else in it."""

import base64
import gzip
import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.runtime.files import SecretDir
from dev.harness.services import EDGE_FILES, free_port
from enroll.authority import CertificateAuthority

TOKENS = int(os.environ.get("FUZZ") or 24)
SENTENCE = re.compile(r"edge-broker: [^\n]{10,300}\n")
FIELD = re.compile(r"[a-z0-9.-]+")

# Takes Mosquitto's place: it tells its version, and writes what it would have read.
STAND_IN = '#!/bin/sh\n[ "$1" != -h ] || { echo "mosquitto version 2.1.2"; exit; }\ncat "$2" >"$RUN_DIR/read"\n'


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Enroll an edge."""
    authority = CertificateAuthority(SecretDir(tmp_path_factory.mktemp("authority")))
    return authority.enroll("porch", "cloud.example", 8883, renew=False).encode()


def spoilt(chance: random.Random, right: str) -> Iterator[str]:
    """Spoil the word itself, or the text inside of a token that is whole."""
    text = gzip.decompress(base64.b64decode(right)).decode()
    lines = ("name=../x", "name=porch\nname=attic", "host=h\nlistener 1", "host=$(id)", "host=@RUN_DIR@", "port=8883 #")
    while True:
        place = chance.randrange(len(right))
        yield right[:place] + chance.choice(("", "A", "=", "*", "'", "$(id)", "\x7f")) + right[place + 1 :]
        yield right[:place]
        line = chance.choice(lines)
        key = line.partition("=")[0]
        yield encode(re.sub(rf"^{key}=.*$", lambda _: line, text, count=1, flags=re.MULTILINE))  # noqa: B023 (at once)
        number = chance.choice(("", "-1", "9" * 30, "0x10", "1 ]"))
        yield encode(re.sub(r"^(port|expires)=.*$", rf"\1={number}", text, flags=re.MULTILINE))
        yield encode(text.replace(chance.choice(("[edge.key]", "[ca.crt]", "usbcam-edge 1")), "", 1))


def encode(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode())).decode()


def start(folder: Path, token: str) -> subprocess.CompletedProcess[str]:
    stand_in = folder / "mosquitto"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o700)
    own = {"RUN_DIR": str(folder), "EDGE_BROKER_DATA": str(folder), "MOSQUITTO": str(stand_in)}
    given = own | {"EDGE_TOKEN": token, "EDGE_BROKER_PORT": str(free_port()), "PATH": os.environ["PATH"]}
    command = ["sh", str(EDGE_FILES / "start.sh")]
    return subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=60)


def test_a_spoilt_token_is_one_sentence_and_brings_nothing_into_the_configuration(tmp_path: Path, right: str) -> None:
    chance = random.Random(os.environ.get("SEED") or 1)
    refused = 0

    for _, token in zip(range(TOKENS), spoilt(chance, right), strict=False):
        (tmp_path / "read").unlink(missing_ok=True)
        done = start(tmp_path, token)
        if done.returncode == 64:
            assert SENTENCE.fullmatch(done.stderr), (token, done.stderr)
            assert not (tmp_path / "read").exists()
            refused += 1
            continue
        assert done.returncode == 0, (token, done.stderr)
        read = (tmp_path / "read").read_text()
        (address,) = re.findall(r"^address (.*)$", read, re.MULTILINE)
        assert FIELD.fullmatch(address.rpartition(":")[0]), token
        assert read.count("\nlistener ") == 1

    assert refused > TOKENS // 2


def test_a_token_that_would_unpack_to_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    done = start(tmp_path, encode("usbcam-edge 1\n" + "x" * 40_000_000))

    assert done.returncode == 64
    assert "EDGE_TOKEN is damaged" in done.stderr
