"""Finding faces."""

import json
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.pipeline.tracking.detector import Detection, FaceDetector, clip_box, detector_size
from camera.pipeline.tracking.track import iou
from camera.sources.frame import Image
from camera.sources.synthetic.scene import Scene
from common.contract.capture import Box
from tests.edge.rig import Run


def test_a_face_is_found_where_it_is(face_frame: Image) -> None:
    (found,) = FaceDetector(48, 0.7).detect(face_frame)

    assert found.score > 0.85
    assert 70 < found.box.height < 170


def test_an_empty_scene_has_no_face() -> None:
    assert FaceDetector(48, 0.7).detect(Scene(640, 480, seed=1, visits=1).draw(0.0)) == []


def test_all_faces_of_a_frame_are_found_not_the_largest_alone(face_frame: Image) -> None:
    crowd = np.hstack([face_frame, cv2.flip(face_frame, 1)])

    assert len(FaceDetector(48, 0.7).detect(crowd)) == 2


def test_a_crowd_is_found_to_the_last_face(face_frame: Image) -> None:
    (face,) = FaceDetector(48, 0.7).detect(face_frame)
    x, y, size = face.box.x - 20, face.box.y - 20, face.box.height + 40
    tile = cv2.resize(face_frame[y : y + size, x : x + size], (80, 80), interpolation=cv2.INTER_AREA)

    assert len(FaceDetector(28, 0.6).detect(np.tile(tile, (9, 14, 1)))) == 9 * 14


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ((-1.9, -3.2, 50.0, 60.0), Box(0, 0, 48, 57)),
        ((620.4, 470.5, 50.0, 60.0), Box(620, 470, 20, 10)),
        ((10.4, 10.6, 20.0, 20.0), Box(10, 11, 20, 20)),
        ((700.0, 10.0, 20.0, 20.0), None),
        ((-30.0, 10.0, 20.0, 20.0), None),
    ],
)
def test_a_box_beyond_the_frame_is_clipped_to_it(box: tuple[float, ...], cut: Box | None) -> None:
    assert clip_box(np.array(box), 640, 480) == cut


@pytest.mark.parametrize(
    ("min_face_px", "size"), [(28, (1280, 720)), (56, (640, 360)), (10, (1280, 720)), (2000, (32, 32))]
)
def test_the_detector_is_as_large_as_the_smallest_face_asks(min_face_px: int, size: tuple[int, int]) -> None:
    assert detector_size(1280, 720, min_face_px) == size


def test_frames_of_changing_size_are_no_problem(face_frame: Image) -> None:
    detector = FaceDetector(48, 0.7)

    for width in (640, 320, 1280, 641):
        scaled = cv2.resize(face_frame, (width, width * 3 // 4))
        assert all(found.box.x + found.box.width <= width for found in detector.detect(scaled))


@pytest.mark.parametrize("shift", [(0, 0), (33, -21), (-45, 40)])
def test_near_a_face_is_found_what_is_found_in_the_whole_frame(face_frame: Image, shift: tuple[int, int]) -> None:
    large = cv2.resize(face_frame, (1280, 960))
    detector = FaceDetector(56, 0.7)
    (whole,) = detector.detect(large)
    expected = Box(whole.box.x + shift[0], whole.box.y + shift[1], whole.box.width, whole.box.height)

    (near,) = detector.detect(large, [expected])

    assert near.score == pytest.approx(whole.score, abs=0.03)
    assert np.array(near.landmarks) == pytest.approx(np.array(whole.landmarks), abs=6)
    assert iou(near.box, whole.box) > 0.95


def test_what_is_far_from_all_known_faces_is_not_searched(face_frame: Image) -> None:
    crowd = np.hstack([face_frame, cv2.flip(face_frame, 1)])
    left, right = sorted((found.box for found in FaceDetector(48, 0.7).detect(crowd)), key=lambda box: box.x)

    assert [found.box.x < 640 for found in FaceDetector(48, 0.7).detect(crowd, [left])] == [True]
    assert len(FaceDetector(48, 0.7).detect(crowd, [left, right])) == 2


def test_half_a_face_at_the_edge_of_the_region_is_left_to_the_next_full_search(face_frame: Image) -> None:
    detector = FaceDetector(48, 0.5)
    (whole,) = detector.detect(face_frame)
    width = whole.box.width
    beside = Box(whole.box.x - round(1.75 * width), whole.box.y, width, width)  # its margin ends within the face

    assert all(iou(found.box, whole.box) > 0.95 for found in detector.detect(face_frame, [beside]))


@pytest.mark.parametrize("box", [Box(3000, 100, 80, 100), Box(-900, 100, 80, 100), Box(100, 4000, 80, 100)])
def test_near_a_face_that_should_be_outside_means_everywhere(face_frame: Image, box: Box) -> None:
    detector = FaceDetector(48, 0.7)

    assert detector.detect(face_frame, [box]) == detector.detect(face_frame)


def test_a_detector_in_each_thread_finds_what_one_alone_finds(face_frame: Image) -> None:
    alone = FaceDetector(48, 0.7).detect(face_frame)
    together: list[list[Detection]] = []

    def detect() -> None:
        detector = FaceDetector(48, 0.7)
        together.extend(detector.detect(face_frame) for _ in range(20))

    threads = [threading.Thread(target=detect) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert together == [alone] * 40


def labelled(media: Path, folder: Path) -> dict[str, dict[str, list[list[int]]]]:
    """Every labelled picture as a file, with its faces and the boxes that do not count."""
    labels = json.loads((media / "labels.json").read_text())
    pictures = {str(media / entry["file"]): entry for entry in labels["stills"]}
    for entry in labels["video_frames"]:
        capture = cv2.VideoCapture(str(media / entry["video"]))
        for _ in range(entry["frame"]):
            capture.grab()
        path = folder / f"{Path(entry['video']).stem}-{entry['frame']}.png"
        cv2.imwrite(str(path), capture.read()[1])
        pictures[str(path)] = entry
    return pictures


def test_precision_and_recall_on_the_labelled_pictures(media: Path, tmp_path: Path, run_camera: Run) -> None:
    pictures = labelled(media, tmp_path)
    right = wrong = missed = 0

    done = run_camera("detect", *pictures)
    for line in map(json.loads, done.stdout.splitlines()):
        faces = [list(face) for face in pictures[line["image"]]["faces"]]
        for found in line["faces"]:
            hit = next((face for face in faces if iou(Box(*found["box"]), Box(*face)) >= 0.5), None)
            if hit:
                faces.remove(hit)
                right += 1
            else:
                ignored = pictures[line["image"]].get("ignore", [])
                wrong += not any(iou(Box(*found["box"]), Box(*box)) >= 0.5 for box in ignored)
        missed += len(faces)

    precision, recall = right / (right + wrong), right / (right + missed)
    print(f"\n{len(pictures)} pictures, {right + missed} faces: precision {precision:.3f}, recall {recall:.3f}")
    assert len(done.stdout.splitlines()) == len(pictures)
    assert precision >= 0.95
    assert recall >= 0.95
