"""How large the parts of an image may be: bounds that honest encoders stay far below, in one place."""

# Chunks of a PNG: some in any case, and as many as its size explains. libpng cuts IDAT at 8 KiB, ffmpeg at 4.
MAX_SMALL_CHUNKS, BYTES_PER_CHUNK = 1_024, 512
# libjpeg writes a progressive image in 10 scans, mozjpeg in at most 20.
MAX_JPEG_SEGMENTS = 1_024
MAX_JPEG_SCANS = 64
MAX_SCANNED_PIXELS = 500_000_000  # pixels times scans: each scan of a progressive JPEG visits every block
MAX_JPEG_GAP_BYTES = 16 << 10  # between segments; Pillow reads them one by one, at a microsecond each
MAX_JPEG_TABLE_BYTES = 256 << 10  # all but pixels and descriptions; encoders write less than 20 KB of tables
# Text, Exif, colour profile and comments together.
MAX_METADATA_PARTS = 512
MAX_METADATA_BYTES = 2 << 20
MAX_INFLATED_TEXT_BYTES = 2 << 20  # of one PNG; Pillow allows 1 MiB a chunk and 64 MiB in all
MAX_TEXT_SECONDS = 0.05  # of CPU, to inflate that; it takes a fifth of it

MAX_SIDE = 65_535  # pixels, as in a JPEG: millions of rows of one pixel cost far more than a picture of as many
MAX_PALETTE_BYTES = 3 * 256
MAX_DECODE_SECONDS = 5.0  # of CPU; the costliest image within the limits takes less than one
# Rows of a PNG are inflated at 200 MB a second and more; made of tables that hold little, at a tenth of it and less.
SLOWEST_INFLATED_BYTES_PER_SECOND, SPARE_SECONDS = 50_000_000, 0.25


class ImageStructureError(Exception):
    """What is wrong with the bytes, as the end of a sentence that begins with the image; no decoder may see them."""


class MetadataBudget:
    """Counts what is not the image itself, and stops at the limits."""

    def __init__(self) -> None:
        self._parts = self._bytes = 0

    def add(self, size: int) -> None:
        """Count one part; raises ImageStructureError."""
        self._parts += 1
        self._bytes += size
        if self._parts > MAX_METADATA_PARTS or self._bytes > MAX_METADATA_BYTES:
            raise ImageStructureError(
                f"it carries more than {MAX_METADATA_PARTS} parts or {MAX_METADATA_BYTES >> 20} MiB of metadata"
            )


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Refuse what is empty or too large; raises ImageStructureError."""
    if not width or not height:
        raise ImageStructureError(f"it is {width}x{height} pixels")
    if width * height > max_pixels:
        raise ImageStructureError(f"{width}x{height} is more than MAX_IMAGE_PIXELS={max_pixels} pixels")
    if max(width, height) > MAX_SIDE:
        raise ImageStructureError(f"{width}x{height} is more than {MAX_SIDE} pixels wide or high")
