"""Other people's proxies before a store: everything is stored and read back, and `check` is green."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.harness.process import LOOPBACK, free_port, start, until_up
from dev.harness.services import make_bucket
from tests.cloud.stores.conftest import MakeSettings, make_settings
from tests.cloud.stores.test_odd_stores import CAPTURES, checked
from tests.cloud.stores.test_real_stores import answers
from tests.reality.asked import ASKED
from tests.reality.programs import from_debian
from tests.reality.test_stores import failures, stored_and_read
from tests.support.rig import Store

__all__ = ["make_settings"]

pytestmark = ASKED

# No certificates: Caddy would add its own authority to those that this machine trusts.
CADDY = """
{{
  admin off
  auto_https off
  skip_install_trust
}}
http://:{port} {{
  bind {host}
  reverse_proxy {store}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen store
  bind {host}:{port}
  server store {store_address}
"""
APACHE = """
ServerName {host}
Listen {host}:{port}
PidFile {folder}/apache.pid
ErrorLog /dev/stderr
LoadModule mpm_event_module {root}/usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module {root}/usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module {root}/usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module {root}/usr/lib/apache2/modules/mod_proxy_http.so
ProxyPreserveHost On
AllowEncodedSlashes NoDecode
ProxyPass / {store}/ nocanon
"""
LIGHTTPD = """
server.document-root = "{folder}"
server.bind = "{host}"
server.port = {port}
server.modules = ("mod_proxy")
server.http-parseopts = ("url-normalize" => "disable")
proxy.server = ("" => (("host" => "{store_host}", "port" => {store_port})))
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A program of Debian, its libraries that this machine may lack, and its configuration."""

    package: str
    program: str
    command: tuple[str, ...]
    configuration: str
    libraries: tuple[tuple[str, str], ...] = ()  # package and file


PROXIES = (
    Proxy(
        "caddy",
        "usr/bin/caddy",
        ("run", "--adapter", "caddyfile", "--config", "{file}"),
        CADDY,
    ),
    Proxy(
        "haproxy",
        "usr/sbin/haproxy",
        ("-db", "-f", "{file}"),
        HAPROXY,
        (
            ("liblua5.3-0", "liblua5.3.so.0"),
            ("libopentracing-c-wrapper0", "libopentracing-c-wrapper.so.0"),
            ("libopentracing1", "libopentracing.so.1"),
        ),
    ),
    Proxy(
        "apache2-bin",
        "usr/sbin/apache2",
        ("-X", "-f", "{file}"),
        APACHE,
        (("libapr1", "libapr-1.so.0"), ("libaprutil1", "libaprutil-1.so.0")),
    ),
    Proxy("lighttpd", "usr/sbin/lighttpd", ("-D", "-m", "{root}/usr/lib/lighttpd", "-f", "{file}"), LIGHTTPD),
)


@pytest.mark.parametrize("proxy", PROXIES, ids=lambda proxy: proxy.package)
def test_behind_a_proxy_everything_is_stored_and_described(
    proxy: Proxy, tmp_path: Path, store: Store, make_settings: MakeSettings
) -> None:
    port, program = free_port(), from_debian(proxy.package, proxy.program)
    found = [from_debian(package, f"usr/lib/x86_64-linux-gnu/{file}").parent for package, file in proxy.libraries]
    bucket = f"proxied-{port}"
    make_bucket(store.endpoint, store.access_key, store.secret_key, bucket)
    store_address = store.endpoint.partition("://")[2]
    store_host, _, store_port = store_address.partition(":")
    root = str(program).removesuffix(f"/{proxy.program}")
    names = {"folder": tmp_path, "file": tmp_path / "configuration", "root": root, "host": LOOPBACK, "port": port}
    names |= {"store": store.endpoint, "store_address": store_address}
    names |= {"store_host": store_host, "store_port": store_port}
    (tmp_path / "configuration").write_text(proxy.configuration.format(**names))
    command = [str(program), *(word.format(**names) for word in proxy.command)]
    process = start(proxy.package, command, tmp_path, {"LD_LIBRARY_PATH": os.pathsep.join(map(str, found))})
    until_up(process, lambda: answers(f"http://{LOOPBACK}:{port}"))
    keys = {"aws_access_key_id": store.access_key, "aws_secret_access_key": store.secret_key}
    settings = make_settings(f"http://{LOOPBACK}:{port}", s3_bucket=bucket, **keys)

    metadata = stored_and_read(settings)
    results = checked(settings)
    process.kill()

    assert (metadata["id"], metadata["captured_at"]) == (CAPTURES[0].id, "2026-11-22T06:33:25.123Z")
    assert failures(results) == {}
