"""A video that is open: read and decoded by FFmpeg, through PyAV.

Not OpenCV's reader: it calls an interlaced frame a success and hands out black or stale memory, takes the places that a
decoder had to guess for a picture, and does not say why an address cannot be opened.

What follows damage is drawn on top of it, so nothing is shown until a frame that is complete in itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import cv2

from camera.sources.decoding.bgr import BgrConverter
from camera.sources.decoding.doubt import Doubt
from camera.sources.frame import Image
from common.contract.embedded import PNG_SIGNATURE

STRICT = {"err_detect": "explode"}  # decoders would otherwise fill in what is missing
# Each frame stands alone: one that is refused is damaged, and one that nobody wants can wait.
STAND_ALONE_CODECS = {"mjpeg", "png"}
TABLES, HEADER_BYTES = b"\xff\xdb", 2048  # of a JPEG
MAX_REFUSED_KEY_FRAMES = 5  # with nothing whole before: then the camera only bends the rules
TEXT_CODECS = {"ansi"}  # what FFmpeg makes of a .txt file
RIGHT_ANGLES = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
MAX_STRETCH = 4.0  # pixels are not so far from square; a header that says so is wrong

NO_VIDEO = "NoVideo"
MULTIPART = "mpjpeg"
JPEGS = "mjpeg"  # looks for the JPEGs themselves and reads over whatever is between them


class VideoError(Exception):
    """What cannot be opened or read. FFmpeg's own words are left out: they hold the whole address."""

    def __init__(self, kind: str) -> None:
        """`kind`: the name that PyAV gives to FFmpeg's error, or NO_VIDEO."""
        super().__init__(kind)
        self.kind = kind


class VideoContainer:
    """An open file or address. Iterating gives each frame, or None for one that is damaged.

    Where frames stand alone and the last one was whole, the next one is decoded only once its image is wanted.
    """

    def __init__(
        self,
        address: str,
        options: dict[str, str] | None = None,
        timeout_seconds: float | None = None,
        demuxer: str | None = None,
    ) -> None:
        """Open it, by FFmpeg's demuxer of that name or the one that it finds; raises VideoError."""
        # Loaded where it is used: a host with USB cameras alone saves the memory.
        import av  # noqa: PLC0415

        self._av: Any = av
        with self._explained():
            self._container: Any = av.open(
                address, format=demuxer, options=options or {}, timeout=timeout_seconds, metadata_errors="replace"
            )
        try:
            self.stream: Any = self._video_stream()
        except VideoError:
            self.close()
            raise
        self._decoder: Any = self.stream.codec_context
        self._refused_key_frames: int | None = 0  # None once there was a whole frame
        self._may_wait = False  # to be decoded
        self._waiting: Any = None  # the packet that waited last
        self._doubt = Doubt()
        self._converter = BgrConverter()
        self._graph: Any = None
        self._graph_shape: tuple[int, int, str] | None = None

    @property
    def is_still(self) -> bool:
        """Whether it is one image, not a stream."""
        name: str = self._container.format.name
        return name.endswith("_pipe") or name.startswith("image2")

    @property
    def is_multipart(self) -> bool:
        """Whether it is a row of JPEGs with a header before each."""
        return bool(self._container.format.name == MULTIPART)

    def close(self) -> None:
        self._container.close()

    def frames(self) -> Iterator[Any]:
        """Each frame, progressive and whole; None for one that is damaged. Raises VideoError."""
        with self._explained():
            for packet in self._container.demux(self.stream):
                if self._may_wait and _is_self_contained(packet):
                    self._waiting = packet
                    yield packet
                else:
                    yield from self._decoded(packet)
            if self._graph is not None:
                yield from self._deinterlaced(None)  # the last one waited for the next

    def packets(self) -> Iterator[bytes]:
        """What each frame is encoded as."""
        with self._explained():
            yield from (bytes(packet) for packet in self._container.demux(self.stream) if packet.size)

    def times(self) -> Iterator[float]:
        """The time stamp of each packet in the order of decoding, without decoding any."""
        with self._explained():
            for packet in self._container.demux(self.stream):
                if packet.dts is not None and packet.time_base is not None:
                    yield float(packet.dts * packet.time_base)

    def waits(self, frame: Any) -> bool:
        """Whether a frame is not decoded yet, so that nobody knows whether it is whole."""
        return isinstance(frame, self._av.Packet)

    def time(self, frame: Any) -> float | None:
        """When a frame is shown, in seconds by the file's clock; None if that is not known."""
        if not self.waits(frame):
            return None if frame is None else frame.time
        stamp = frame.dts if frame.pts is None else frame.pts
        unit = frame.time_base
        return None if stamp is None or unit is None else float(stamp * unit.numerator / unit.denominator)

    def image(self, frame: Any) -> Image | None:
        """A frame's pixels, upright and square; None if they cannot be decoded or converted."""
        if self.waits(frame):
            frame = next(self._decoded(frame), None)
        if frame is None:
            return None
        try:
            image = self._converter.convert(frame)
        except (self._av.error.FFmpegError, ValueError):
            return None
        stretch = float(self.stream.sample_aspect_ratio or 1)
        if stretch != 1 and 1 / MAX_STRETCH <= stretch <= MAX_STRETCH:
            height, width = image.shape[:2]
            size = (round(width * stretch), height) if stretch > 1 else (width, round(height / stretch))
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        turn = RIGHT_ANGLES.get(round(frame.rotation) % 360)
        return image if turn is None else cv2.rotate(image, turn)

    def _video_stream(self) -> Any:
        streams = [each for each in self._container.streams.video if each.codec_context is not None]
        covers = self._av.stream.Disposition.attached_pic
        stream = next((each for each in streams if covers not in each.disposition), None)
        if stream is None or stream.codec_context.name in TEXT_CODECS:
            raise VideoError(NO_VIDEO)
        stream.codec_context.options = STRICT
        stream.codec_context.thread_count = 1  # threads for the slices of a frame keep the damage in one to themselves
        return stream

    def _decoded(self, packet: Any) -> Iterator[Any]:
        """What a packet holds: frames, progressive and whole, or None for one that is damaged."""
        waiting, self._waiting = self._waiting, None
        if waiting not in {None, packet}:
            self._decode(waiting)  # its tables are those of this one, which has none: else it would wait, too
        for frame in self._decode(packet):
            self._may_wait = False
            if frame is None or self._doubt.covers(frame):
                yield None
            else:
                self._refused_key_frames = None
                yield from self._progressive(frame)

    def _decode(self, packet: Any) -> list[Any]:
        try:
            frames: list[Any] = self._decoder.decode(packet)
        except self._av.error.EOFError:  # it was told of the end already
            return []
        except (self._av.error.FFmpegError, ValueError):  # libraries such as zlib have names of their own for damage
            self._doubt.refuse(packet.pts)
            if packet.is_keyframe and self._refused_key_frames is not None:
                self._refused_key_frames += 1
                if self._refused_key_frames == MAX_REFUSED_KEY_FRAMES:
                    self._decoder = self._lenient_decoder()
            return [None]
        return frames

    def _lenient_decoder(self) -> Any:
        strict = self.stream.codec_context
        if strict.name in STAND_ALONE_CODECS:
            return strict
        decoder = self._av.CodecContext.create(strict.codec, "r")
        decoder.extradata = strict.extradata
        return decoder

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (self._av.error.FFmpegError, ValueError) as error:
            raise VideoError(type(error).__name__) from None

    def _progressive(self, frame: Any) -> Iterator[Any]:
        """The frame itself, or what becomes of an interlaced one."""
        if not frame.interlaced_frame and self._graph is None:
            self._may_wait = self._decoder.name in STAND_ALONE_CODECS
            yield frame
            return
        self._prepare_deinterlacer(frame)
        yield from self._deinterlaced(frame)

    def _deinterlaced(self, frame: Any) -> Iterator[Any]:
        self._graph.push(frame)
        with contextlib.suppress(BlockingIOError, self._av.error.EOFError):
            while True:
                yield self._graph.pull()

    def _prepare_deinterlacer(self, frame: Any) -> None:
        shape = frame.width, frame.height, frame.format.name
        if shape == self._graph_shape:
            return
        graph = self._av.filter.Graph()
        source = graph.add_buffer(template=self.stream, width=frame.width, height=frame.height, format=frame.format)
        graph.link_nodes(source, graph.add("bwdif", "deint=interlaced:mode=send_frame"), graph.add("buffersink"))
        graph.configure()
        self._graph, self._graph_shape = graph, shape


def _is_self_contained(packet: Any) -> bool:
    """Whether an image has all that it needs: a JPEG without tables is decoded by those of one before it."""
    header = bytes(memoryview(packet)[:HEADER_BYTES]) if packet.size else b""
    return header.startswith(PNG_SIGNATURE) or TABLES in header
