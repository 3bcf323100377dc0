"""The page of all edges, and what it shows."""

from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from common.contract.certificate_expiry import CertificateExpiry
from gallery.fleet.fleet import Fleet
from gallery.fleet.overview import edge_json, fleet_json, overview


class FleetEndpoints:
    def __init__(self, fleet: Fleet, certificates_file: Path) -> None:
        self._fleet, self._certificates_file = fleet, certificates_file
        self._page = Path(str(resources.files("gallery.web"))) / "static" / "fleet" / "edges.html"

    async def page(self, _: Request) -> Response:
        return FileResponse(self._page)

    def summary(self, _: Request) -> Response:
        """How many cameras there are, and which are failing."""
        certificates = CertificateExpiry.read(self._certificates_file)
        return JSONResponse(fleet_json(self._fleet, certificates, datetime.now(UTC)))

    def edges(self, _: Request) -> Response:
        """Every enrolled edge with its cameras."""
        now = datetime.now(UTC)
        certificates = CertificateExpiry.read(self._certificates_file)
        edges = [edge_json(edge) for edge in overview(self._fleet, certificates, now)]
        return JSONResponse(
            {"at": now.isoformat(), "listening": self._fleet.listening_since is not None, "edges": edges}
        )
