"""A store that takes S3's requests, and refuses or misunderstands what AWS takes: each oddity is a switch."""

import gzip
import hashlib
import ssl
import threading
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from dev.harness.process import LOOPBACK

KEY, SECRET, BUCKET = "played-key", "played-secret", "faces"
LISTING = "<ListBucketResult><Name>faces</Name><IsTruncated>false</IsTruncated>{}</ListBucketResult>"
CHECKSUMS = ("x-amz-checksum", "x-amz-sdk-checksum", "x-amz-trailer")
NOT_IMPLEMENTED = "A header you provided implies functionality that is not implemented"  # AWS's own words
SUBRESOURCES = {"publicAccessBlock", "encryption", "lifecycle", "policy"}


class Oddity(Enum):
    """What real stores were seen to do."""

    KEEPS_TRAILER = "keeps what aws-chunked adds inside the object"
    REFUSES_CHECKSUMS = "answers 400 to x-amz-checksum-*"
    NO_CONDITION = "answers 501 to If-None-Match"
    NO_CONDITION_400 = "answers 400 to If-None-Match"
    OVERWRITES = "ignores If-None-Match"
    WANTS_MD5 = "wants Content-MD5 for DeleteObjects"
    FORGETS_TO_DELETE = "answers DeleteObjects with a listing"
    NO_COMMON_PREFIXES = "lists no CommonPrefixes"
    LISTS_FOR_ANYTHING = "answers unknown subresources with a listing"
    NO_ENCRYPTION = "answers 501 to uploads that ask for encryption"
    NO_SUBRESOURCES = "answers 501 to subresources"
    SHUTS_OWNER_OUT = "BlockPublicAcls refuses every upload"
    CHECKS_NOBODY = "accepts every key"
    REFUSES_TAGS = "answers 501 to x-amz-tagging"
    DENIES_TAGS = "answers 403 to x-amz-tagging"
    LOSES_METADATA = "keeps no x-amz-meta-*"
    LOSES_CAPTURE_TIME = "keeps no x-amz-meta-captured-at"
    SHOUTS_METADATA = "returns x-amz-meta-* in capital letters"
    LIMITS_SIZE = "is behind a proxy that takes no large uploads"
    SPEAKS_HTML = "is no store"
    CHECKS_HEADERS = "finds that the signature of an upload does not match"
    REDIRECTS = "is elsewhere, says a proxy without a word"
    MOVED = "is elsewhere, says a page"
    LOGIN_PAGE = "is behind a proxy that shows its login page"
    PAGE_FOR_UPLOADS = "is behind a proxy that answers uploads with a page and 200"
    ERROR_WITH_200 = "answers uploads with 200 and an error inside"
    SLOW_DOWN = "answers 503 SlowDown"
    BARE_ETAG = "writes entity tags without quotes"
    WEAK_ETAG = "writes weak entity tags, as a proxy that compresses makes them"
    OTHER_ETAG = "writes entity tags of its own kind"
    NO_ETAG = "confirms without an entity tag"
    TAKEN_409 = "answers 409 for a key that is taken"
    TAKEN_304 = "answers 304 for a key that is taken"
    CONFLICTS = "answers 409 to every upload"
    OTHER_ENDPOINT = "sends everybody to another endpoint, as a store does"
    SKEWED = "finds that the time is wrong"
    NO_DATE = "does not say what time it is"
    OLD_HTTP = "speaks HTTP/1.0"
    GZIPS = "compresses what nobody asked it to"


@dataclass(slots=True)
class PlayedStore:
    """One bucket in memory."""

    oddities: set[Oddity] = field(default_factory=set)
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    settings: dict[str, bytes] = field(default_factory=dict)  # of the bucket, by subresource
    tls: ssl.SSLContext | None = None
    server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        version = "HTTP/1.0" if Oddity.OLD_HTTP in self.oddities else "HTTP/1.1"
        handler = type("Handler", (_Handler,), {"store": self, "protocol_version": version})
        self.server = ThreadingHTTPServer((LOOPBACK, 0), handler)
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self) -> None:
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()

    @property
    def endpoint(self) -> str:
        assert self.server is not None
        return f"{'https' if self.tls else 'http'}://{LOOPBACK}:{self.server.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    store: PlayedStore
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self._handle()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 (the names that http.server asks for)

    def _handle(self) -> None:
        body = self._read_body()
        url = urlsplit(self.path)
        query = parse_qs(url.query, keep_blank_values=True)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        if self._answers_oddly(url.path):
            return
        if self._is(Oddity.SPEAKS_HTML):
            self._answer(200, b"<html><p>Welcome to nginx!<br></html>", {"Content-Type": "text/html"})
        elif not self._is(Oddity.CHECKS_NOBODY) and f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            self._refuse(403, "AccessDenied")
        elif bucket != BUCKET:
            self._refuse(404, "NoSuchBucket")
        elif key:
            self._object(key, body)
        elif asked := SUBRESOURCES & set(query):
            self._subresource(asked.pop(), body)
        elif self.command == "POST":
            self._delete_objects(body)
        elif self.command == "GET":
            self._list({name: values[0] for name, values in query.items()})
        else:
            self._answer(200)

    def _answers_oddly(self, path: str) -> bool:
        """Answer in the store's place, as a proxy before it may."""
        if self._is(Oddity.REDIRECTS):
            self._answer(308, b"", {"Location": f"https://store.example{self.path}"})
        elif self._is(Oddity.OTHER_ENDPOINT):
            self._refuse(307, "TemporaryRedirect", headers={"Location": f"https://store.example{self.path}"})
        elif self._is(Oddity.SKEWED):
            self._refuse(403, "RequestTimeTooSkewed")
        elif self._is(Oddity.MOVED):
            self._answer(
                301, b"<html>301 Moved</html>", {"Location": "https://store.example/", "Content-Type": "text/html"}
            )
        elif self._is(Oddity.LOGIN_PAGE) and path != "/login":
            self._answer(302, b"", {"Location": "/login"})
        elif path == "/login" or (self.command == "PUT" and self._is(Oddity.PAGE_FOR_UPLOADS)):
            self._answer(200, b"<html>Log in</html>", {"Content-Type": "text/html", "ETag": '"65a1b2c3-13"'})
        elif self.command == "PUT" and self._is(Oddity.ERROR_WITH_200):
            self._refuse(200, "InternalError")
        elif self._is(Oddity.SLOW_DOWN):
            self._refuse(503, "SlowDown")
        else:
            return False
        return True

    def _object(self, key: str, body: bytes) -> None:
        objects = self.store.objects
        if self.command == "PUT":
            self._put(key, body)
        elif self.command == "DELETE":
            objects.pop(key, None)
            self._answer(204)
        elif key in objects:
            content, headers = objects[key]
            self._answer(200, content, headers)
        else:
            self._refuse(404, "NoSuchKey")

    def _put(self, key: str, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        has_condition = "if-none-match" in headers
        has_checksum = any(name.startswith(CHECKSUMS) for name in headers)
        if has_condition and self._is(Oddity.NO_CONDITION):
            self._refuse(501, "NotImplemented", NOT_IMPLEMENTED)
        elif has_condition and self._is(Oddity.NO_CONDITION_400):
            self._refuse(400, "InvalidArgument", "If-None-Match is not allowed")
        elif self._lacks(headers):
            self._refuse(501, "NotImplemented", NOT_IMPLEMENTED)
        elif self._is(Oddity.LIMITS_SIZE):
            self._answer(413, b"<html>413 Request Entity Too Large</html>", {"Content-Type": "text/html"})
        elif has_checksum and self._is(Oddity.REFUSES_CHECKSUMS):
            self._refuse(400, "InvalidArgument", "x-amz-checksum-algorithm is not known")
        elif self._is(Oddity.CHECKS_HEADERS) and "x-amz-meta-captured-at" in headers:
            self._refuse(403, "SignatureDoesNotMatch")
        elif self._denies(headers):
            self._refuse(403, "AccessDenied")
        elif has_condition and key in self.store.objects and not self._is(Oddity.OVERWRITES):
            self._refuse_taken()
        elif self._is(Oddity.CONFLICTS):
            self._refuse(409, "OperationAborted")
        else:
            self.store.objects[key] = self._kept(body), self._kept_headers(headers)
            tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
            self._answer(200, b"", self._tagged(tag))

    def _lacks(self, headers: dict[str, str]) -> bool:
        encrypts = self._is(Oddity.NO_ENCRYPTION) and "x-amz-server-side-encryption" in headers
        return encrypts or (self._is(Oddity.REFUSES_TAGS) and "x-amz-tagging" in headers)

    def _denies(self, headers: dict[str, str]) -> bool:
        is_shut = b"<BlockPublicAcls>true" in self.store.settings.get("publicAccessBlock", b"")
        shuts_out = self._is(Oddity.SHUTS_OWNER_OUT) and is_shut
        return shuts_out or (self._is(Oddity.DENIES_TAGS) and "x-amz-tagging" in headers)

    def _tagged(self, tag: str) -> dict[str, str]:
        """How this store confirms an upload."""
        if self._is(Oddity.NO_ETAG):
            return {}
        forms = {Oddity.BARE_ETAG: tag, Oddity.WEAK_ETAG: f'W/"{tag}"', Oddity.OTHER_ETAG: '"0x8DE2A61E5C7B3F1"'}
        return {"ETag": next((form for oddity, form in forms.items() if self._is(oddity)), f'"{tag}"')}

    def _refuse_taken(self) -> None:
        if self._is(Oddity.TAKEN_304):
            self._answer(304)
        elif self._is(Oddity.TAKEN_409):
            self._refuse(409, "BlobAlreadyExists")
        else:
            self._refuse(412, "PreconditionFailed")

    def _kept(self, body: bytes) -> bytes:
        if "aws-chunked" not in self.headers.get("Content-Encoding", "") or self._is(Oddity.KEEPS_TRAILER):
            return body
        size, _, rest = body.partition(b"\r\n")
        return rest[: int(size.partition(b";")[0], 16)]

    def _kept_headers(self, headers: dict[str, str]) -> dict[str, str]:
        metadata = {name: value for name, value in headers.items() if name.startswith("x-amz-meta-")}
        if self._is(Oddity.LOSES_METADATA):
            metadata = {}
        if self._is(Oddity.LOSES_CAPTURE_TIME):
            metadata.pop("x-amz-meta-captured-at", None)
        if self._is(Oddity.SHOUTS_METADATA):
            metadata = {name.upper(): value for name, value in metadata.items()}
        return {"Content-Type": headers.get("content-type", "binary/octet-stream"), **metadata}

    def _subresource(self, name: str, body: bytes) -> None:
        settings = self.store.settings
        if self._is(Oddity.NO_SUBRESOURCES):
            self._refuse(501, "NotImplemented", NOT_IMPLEMENTED)
        elif self._is(Oddity.LISTS_FOR_ANYTHING):
            self._answer(200, LISTING.format("").encode())
        elif self.command == "PUT":
            settings[name] = body
            self._answer(200)
        elif name in settings:
            self._answer(200, settings[name])
        else:
            missing = {
                "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
                "encryption": "ServerSideEncryptionConfigurationNotFoundError",
                "lifecycle": "NoSuchLifecycleConfiguration",
                "policy": "NoSuchBucketPolicy",
            }
            self._refuse(404, missing[name])

    def _delete_objects(self, body: bytes) -> None:
        if self._is(Oddity.WANTS_MD5) and "Content-MD5" not in self.headers:
            self._refuse(400, "MissingContentMD5", "Missing required header for this request: Content-Md5.")
            return
        if self._is(Oddity.FORGETS_TO_DELETE):
            self._answer(200, LISTING.format("").encode())
            return
        keys = [part.partition("</Key>")[0] for part in body.decode().split("<Key>")[1:]]
        for key in keys:
            self.store.objects.pop(key, None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def _list(self, query: dict[str, str]) -> None:
        prefix, after = query.get("prefix", ""), query.get("start-after", "")
        keys = sorted(key for key in self.store.objects if key.startswith(prefix) and key > after)
        folders = set()
        if "delimiter" in query:
            folders = {prefix + key[len(prefix) :].partition("/")[0] + "/" for key in keys if "/" in key[len(prefix) :]}
            keys = [key for key in keys if "/" not in key[len(prefix) :]]
        if self._is(Oddity.NO_COMMON_PREFIXES):
            folders = set()
        when = "<LastModified>2026-11-22T06:33:25.000Z</LastModified>"
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key>{when}<Size>{len(self.store.objects[key][0])}</Size></Contents>"
            for key in keys[: int(query.get("max-keys", "1000"))]
        )
        found += "".join(f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>" for folder in sorted(folders))
        self._answer(200, LISTING.format(found).encode())

    def _is(self, oddity: Oddity) -> bool:
        return oddity in self.store.oddities

    def _read_body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.close_connection = False
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().strip(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _refuse(self, status: int, code: str, message: str = "no", headers: dict[str, str] | None = None) -> None:
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        self._answer(status, body.encode(), {"Content-Type": "application/xml", **(headers or {})})

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        if self._is(Oddity.GZIPS) and body:
            headers, body = {**(headers or {}), "Content-Encoding": "gzip"}, gzip.compress(body)
        (self.send_response_only if self._is(Oddity.NO_DATE) else self.send_response)(status)
        for name, value in (headers or {"Content-Type": "application/xml"}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
