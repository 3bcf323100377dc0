"""The commands that need no broker: which faces are found, and what would be published."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2

from camera.config.settings import Settings
from camera.config.source_spec import SyntheticSpec, is_like_address, parse_source
from camera.diagnostics.contact_sheet import ContactSheet
from camera.pipeline.analyzer import AnalysisResult, FrameAnalyzer
from camera.pipeline.tracking.detector import FaceDetector
from camera.sources.frame import FrameSource, Image, SourceEndedError, SourceError
from camera.sources.reader.sampler import FrameSampler
from camera.sources.synthetic.source import SyntheticSource, create_scene
from camera.sources.turned import TurnedSource
from camera.sources.video.container import VideoContainer, VideoError
from camera.sources.video.file import FileSource
from common.contract.capture import Box
from common.contract.times import timestamp
from common.runtime.command_line import say
from common.runtime.progress import Progress, tell_success

DEMO_VISITS = 5
JPEG_SIGNATURE = b"\xff\xd8\xff"


class UnreadableImageError(Exception):
    """Why, as a sentence without its subject."""


class UnwritableFolderError(Exception):
    """Which folder, and why."""


def detect_faces(settings: Settings, paths: list[str]) -> int:
    """Print one JSON line per image with its faces, in pixels of the image as people see it; return the exit code."""
    detector = FaceDetector(settings.min_face_px, settings.min_score)
    failed = 0
    for path in paths:
        try:
            image = _read_image(Path(path))
        except UnreadableImageError as error:
            _print_error(f"{_shown(path)} {error}")
            failed += 1
            continue
        _print({"image": path, "faces": _faces(detector, image)})
    return 1 if failed else 0


def _shown(path: str) -> str:
    """A file's name; an address, whose password may stand anywhere, only as far as it is understood."""
    if not is_like_address(path) or os.path.exists(path):  # noqa: PTH110 (false, too, for a name that is too long)
        return path
    return str(parse_source(path))


def _read_image(path: Path) -> Image:
    """An image, upright as its EXIF says; raises UnreadableImageError."""
    image = None
    try:
        if path.is_file() and (not _is_jpeg(path) or _is_whole(path)):
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except OSError as error:
        raise UnreadableImageError(f"cannot be read: {error.strerror}.") from error
    except cv2.error:  # what a decoder refuses
        image = None
    if image is None:
        raise UnreadableImageError("is not an image that can be read.")
    return image


def _is_jpeg(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(JPEG_SIGNATURE)) == JPEG_SIGNATURE


def _is_whole(path: Path) -> bool:
    """Whether nothing of a JPEG is missing, where OpenCV's decoder would fill in grey."""
    try:
        video = VideoContainer(str(path.absolute()))
    except VideoError:
        return False
    try:
        return next(video.frames(), None) is not None
    except VideoError:
        return False
    finally:
        video.close()


def extract_captures(settings: Settings, video: str, out: Path | None, report: Path | None = None) -> int:
    """Write what would have been published from a video, as fast as it can be read; return the exit code.

    `out`: a folder for the images; `report`: a folder for the contact sheet.
    """
    if isinstance(parse_source(video), SyntheticSpec) and not settings.demo_visits:
        settings = settings.model_copy(update={"demo_visits": DEMO_VISITS})  # by default it has no end
    folder, option = (out, "--out") if out else (report, "--report")
    sheet = ContactSheet(video) if report else None
    try:
        with closing(_open(settings, video)) as source, _writing_to(folder, option), _writing_sheet(sheet, report):
            number = _write_captures(settings, source, out, sheet)
    except BrokenPipeError:  # nobody reads the lines any more
        sys.stderr.close()
        return 1
    except SourceError as error:
        _print_error(str(error).replace("CAMERA_SOURCE=", ""))
        return 1
    except UnwritableFolderError as error:
        _print_error(str(error))
        return 1
    tell_success(f"camera: {number} captures are in {out or report}")
    return 0


@contextmanager
def _writing_to(folder: Path | None, option: str) -> Iterator[None]:
    """Make the folder and write to it; raises UnwritableFolderError, which names the option."""
    try:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        yield
    except BrokenPipeError:  # of standard output
        raise
    except OSError as error:
        raise UnwritableFolderError(f"{option} {folder} cannot be written: {error.strerror}.") from error


@contextmanager
def _writing_sheet(sheet: ContactSheet | None, report: Path | None) -> Iterator[None]:
    """Write the contact sheet in the end, also of what came before damage; raises UnwritableFolderError."""
    try:
        yield
    finally:
        if sheet and report:
            with _writing_to(report, "--report"):
                sheet.write(report)


def _open(settings: Settings, video: str) -> FrameSource:
    """Open the video, or the synthetic scene, turned as asked; raises SourceError."""
    source: FrameSource = (
        SyntheticSource(create_scene(settings), settings.frame_rate)
        if isinstance(parse_source(video), SyntheticSpec)
        else FileSource(Path(video))
    )
    return TurnedSource(source, settings.rotate) if settings.rotate else source


def _write_captures(settings: Settings, source: FrameSource, out: Path | None, sheet: ContactSheet | None) -> int:
    """Write them all, and return how many; on a terminal the time that passes is shown."""
    analyzer, progress = FrameAnalyzer(settings), Progress(sys.stderr)
    sampler = FrameSampler(settings.detections_per_second)

    def take(result: AnalysisResult) -> None:
        _write_result(result, out)
        if sheet:
            sheet.add_captures(result)

    while True:
        try:
            seconds = source.grab()
        except (SourceEndedError, SourceError) as error:
            progress.clear()
            take(analyzer.flush())  # also what came before damage
            if isinstance(error, SourceError):
                raise
            return analyzer.counters.captured
        progress.show(f"{seconds:.0f} s of the video are read")
        frame = source.retrieve() if sampler.accept(seconds) else None
        if frame:
            result = analyzer.process(frame)
            if sheet:
                sheet.add_frame(frame, result)
            if result.captures:
                progress.clear()
            take(result)
            sampler.rate = analyzer.rate


def _write_result(result: AnalysisResult, out: Path | None) -> None:
    for capture in result.captures:
        metadata, track = capture.metadata, capture.metadata.track
        path = out / (capture.id + capture.extension) if out else None
        if path:
            path.write_bytes(capture.image)
        _print(
            ({"file": str(path)} if path else {})
            | {
                "id": capture.id,
                "captured_at": timestamp(metadata.captured_at),
                "frame": capture.frame,
                "box": _numbers(metadata.box),
                "score": round(metadata.score, 3),
                "quality": track.quality if track else 0.0,
                "track": track.id if track else "",
                "shot": track.shot if track else "",
            }
        )


def _faces(detector: FaceDetector, image: Image) -> list[dict[str, object]]:
    return [{"box": _numbers(found.box), "score": round(found.score, 3)} for found in detector.detect(image)]


def _numbers(box: Box) -> list[int]:
    return [box.x, box.y, box.width, box.height]


def _print(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


def _print_error(message: str) -> None:
    say(f"camera: {message}", err=True)
