"""The register as people read it."""

from enroll.registry import Edge, Register

COLUMNS = ("NAME", "ENROLLED", "EXPIRES", "CONNECTED")


def table(register: Register, connected: set[str]) -> str:
    """Return one line for each edge, by name."""
    if not register.edges:
        return "enroll: nobody is enrolled yet"
    rows = [_row(edge, connected) for edge in sorted(register.edges, key=lambda edge: edge.name)]
    width = max(len(row[0]) for row in (COLUMNS, *rows))
    return "\n".join(
        f"{name:{width}}  {enrolled:10}  {expires:10}  {state}" for name, enrolled, expires, state in [COLUMNS, *rows]
    )


def _row(edge: Edge, connected: set[str]) -> tuple[str, str, str, str]:
    state = "yes" if edge.name in connected else "no"
    return edge.name, f"{edge.enrolled_at:%Y-%m-%d}", f"{edge.expires_at:%Y-%m-%d}", state
