"""The one line that enrolls an edge: host, port, name, and the three files for TLS."""

import base64
import gzip
from dataclasses import dataclass
from datetime import datetime

FIRST_LINE = "usbcam-edge 1"


@dataclass(frozen=True, slots=True)
class Token:
    """What mosquitto/edge/start.sh unpacks."""

    name: str
    host: str
    port: int
    expires_at: datetime
    authority: bytes  # certificates and key are PEM
    certificate: bytes
    key: bytes

    def encode(self) -> str:
        """Return it as one word; by gzip's checksum the edge notices when a letter is missing."""
        fields = {"name": self.name, "host": self.host, "port": self.port, "expires": int(self.expires_at.timestamp())}
        lines = [FIRST_LINE, *(f"{key}={value}" for key, value in fields.items())]
        files = {"ca.crt": self.authority, "edge.crt": self.certificate, "edge.key": self.key}
        for file, content in files.items():
            lines += [f"[{file}]", content.decode("ascii").strip()]
        return base64.b64encode(gzip.compress("\n".join([*lines, ""]).encode("ascii"), mtime=0)).decode()
