"""Whether the uploader works: written by the process itself, read by `python -m uploader health`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

LONGEST_SILENCE_SECONDS = 60.0
STALE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What the process says of itself."""

    written_at: float  # monotonic: the same clock in every process, and nobody sets it
    problem: str | None

    def write(self, file: Path) -> None:
        """Replace the file as a whole, so that nobody reads half of it."""
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(file)


def complaint(file: Path) -> str | None:
    """Say why the uploader is not well; None if it is."""
    try:
        content = json.loads(file.read_text())
        heartbeat = Heartbeat(float(content["written_at"]), content["problem"])
    except FileNotFoundError:
        return f"it has not started (no {file})"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"its state in {file} cannot be read: {error}"
    age_seconds = monotonic() - heartbeat.written_at
    if not 0 <= age_seconds <= STALE_SECONDS:
        return f"it has not written {file} for {abs(age_seconds):.0f} s: stopped or stuck"
    return heartbeat.problem
