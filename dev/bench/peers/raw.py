"""Put files in S3 with requests signed beforehand, over bare sockets: no client costs less. `FOLDER THREADS COUNT`."""

import os
import socket
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FOLDER, THREADS, COUNT = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
ENDPOINT = os.environ["S3_ENDPOINT_URL"]
HOST = urlsplit(ENDPOINT).netloc
SIGNER = S3SigV4Auth(
    Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]), "s3", os.environ["AWS_REGION"]
)
images = [file.read_bytes() for file in sorted(FOLDER.iterdir())]


def signed(number: int) -> bytes:
    """The head of one PUT; its signature does not cover the body."""
    path = f"/{os.environ['S3_BUCKET']}/raw/{number}.png"
    headers = {"Content-Type": "image/png", "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD", "Host": HOST}
    request = AWSRequest("PUT", ENDPOINT + path, headers)
    SIGNER.add_auth(request)
    request.headers["Content-Length"] = str(len(images[number % len(images)]))
    return "\r\n".join(
        [f"PUT {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items()), "", ""]
    ).encode()


heads = iter([(number, signed(number)) for number in range(COUNT)])
guard = threading.Lock()


def put() -> None:
    host, _, port = HOST.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            with guard:
                number, head = next(heads, (-1, b""))
            if not head:
                return
            connection.sendall(head + images[number % len(images)])
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(65536)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(answer.decode(errors="replace"))


threads = [threading.Thread(target=put) for _ in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
