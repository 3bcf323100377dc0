"""A short film with a face in every frame, which a camera can play round and round."""

from pathlib import Path

import cv2

from camera.sources.synthetic.scene import Scene

WIDTH, HEIGHT, RATE = 320, 240, 20
FIRST_SECOND, LAST_SECOND = 2.2, 3.4  # of the demo's scene: its first visitor is in the middle


def write_film(file: Path) -> Path:
    """Write the film; to end it, delete the file: the camera then goes on without frames."""
    scene = Scene(WIDTH, HEIGHT, seed=1, visits=1)
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (WIDTH, HEIGHT))
    for number in range(round((LAST_SECOND - FIRST_SECOND) * RATE)):
        writer.write(scene.draw(FIRST_SECOND + number / RATE))
    writer.release()
    return file
