"""The demo's Compose project, run by a test under a unique name."""

import contextlib
import uuid
from collections.abc import Iterator

from dev.demo import containers as compose


@contextlib.contextmanager
def running_demo(**settings: str) -> Iterator[compose.Demo]:
    """Start everything, the camera last, and remove it all at the end; `settings` differ from the demo's."""
    demo = compose.Demo(f"usbcam-test-{uuid.uuid4().hex[:8]}", **{"DETECTIONS_PER_SECOND": "5"} | settings)
    try:
        demo.prepare()
        demo.start_camera("--wait")
        yield demo
    finally:
        demo.remove()
