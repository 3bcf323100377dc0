"""Hostile images in the gallery: refused by structure, and decoded no more pixels at once than memory holds."""

import io
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from PIL import Image

from dev.harness.process import wait_for
from gallery.pictures.pixel_budget import PixelBudget
from gallery.pictures.shrinking import SIDE, NoImageError, shrink
from gallery.settings import Settings as GallerySettings
from storage.capture import IMAGE_TYPES
from storage.settings import MAX_IMAGE_PIXELS
from tests.support.images import pictures
from tests.support.images.hostile_images import HOSTILE
from tests.support.images.odd_images import ODD
from tests.support.paths import ROOT
from uploader.ingest.image import validate_image
from uploader.settings import Settings as UploaderSettings

LITTLE_SECONDS = 1.0


@pytest.mark.parametrize("name", HOSTILE)
def test_what_the_uploader_refuses_has_no_thumbnail(name: str) -> None:
    with pytest.raises(NoImageError):
        shrink(HOSTILE[name](), PixelBudget(MAX_IMAGE_PIXELS))


@pytest.mark.filterwarnings("ignore:Tag data larger:UserWarning")  # Pillow warns, and both programs keep it quiet
@pytest.mark.parametrize("name", ODD)
def test_an_odd_image_costs_neither_of_them_much(name: str) -> None:
    image = ODD[name]()
    began = time.thread_time()

    assert validate_image(image, MAX_IMAGE_PIXELS).content_type in IMAGE_TYPES
    assert shrink(image, PixelBudget(MAX_IMAGE_PIXELS)).startswith(b"\xff\xd8")

    assert time.thread_time() - began < LITTLE_SECONDS  # of CPU, so a busy machine does not matter


@pytest.mark.parametrize("payload", [b"", b"GIF89a", b"\xff\xd8", b"\x89PNG", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_has_no_thumbnail(payload: bytes) -> None:
    with pytest.raises(NoImageError):
        shrink(payload, PixelBudget(MAX_IMAGE_PIXELS))


@pytest.mark.parametrize("picture", [pictures.png, pictures.jpeg], ids=["png", "jpeg"])
def test_a_thumbnail_is_a_small_jpeg(picture: Callable[[int, str, int], bytes]) -> None:
    small = Image.open(io.BytesIO(shrink(picture(1, "{}", 700), PixelBudget(MAX_IMAGE_PIXELS))))

    assert (small.format, small.size) == ("JPEG", (SIDE, SIDE))


PEAK = """
import io, re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from PIL import Image
from gallery.pictures.pixel_budget import PixelBudget
from gallery.settings import Settings as GallerySettings
from gallery.pictures.shrinking import shrink

def memory(name):
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) << 10

file = io.BytesIO()
Image.new("RGBA", (3000, 3000)).save(file, "PNG", compress_level=1)
budget, before = PixelBudget(3000 * 3000), memory("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda _: shrink(file.getvalue(), budget), range(8)))
print(memory("VmHWM") - before)
"""


@pytest.mark.long
def test_large_images_are_not_in_memory_all_at_once() -> None:
    """In a process of its own, set up as the container is."""
    setting = re.search(r"^ENV (MALLOC_MMAP_THRESHOLD_)=(\d+)$", (ROOT / "cloud/Dockerfile").read_text(), re.MULTILINE)
    assert setting
    environment = {setting[1]: setting[2], "PYTHONPATH": f"{ROOT}:{ROOT / 'cloud'}"}

    done = subprocess.run([sys.executable, "-c", PEAK], env=environment, capture_output=True, text=True, check=True)

    assert int(done.stdout) < 3 * 4 * 3000 * 3000  # one image and a copy of it; four at once take 280 MB


def test_the_gallery_shows_as_many_pixels_as_the_uploader_takes() -> None:
    picture = pictures.png(1, "{}", 30)

    assert shrink(picture, PixelBudget(30 * 30))
    with pytest.raises(NoImageError, match="30x30 is more than MAX_IMAGE_PIXELS=899 pixels"):
        shrink(picture, PixelBudget(30 * 30 - 1))
    for settings in (UploaderSettings, GallerySettings):
        assert settings(s3_bucket="pictures", max_image_pixels=899).max_image_pixels == 899


def test_who_does_not_fit_waits_its_turn() -> None:
    budget = PixelBudget(100)
    served: list[str] = []
    waiting = threading.Event()

    def take(name: str, pixels: int) -> None:
        waiting.set()
        with budget.reserve(pixels):
            served.append(name)

    with budget.reserve(60):
        large = threading.Thread(target=take, args=("large", 1000))
        large.start()
        wait_for(waiting.is_set, seconds=10, what="the large one")
        assert served == []
    large.join(timeout=10)

    assert served == ["large"]
    take("small", 10)
    assert served == ["large", "small"]
