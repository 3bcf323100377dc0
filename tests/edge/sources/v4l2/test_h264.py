"""H.264 from a USB camera: each image is drawn on top of those before, so one that was damaged or lost spoils more."""

import functools
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from camera.sources.frame import FrameSource, Image
from camera.sources.v4l2.decode import MAX_REFUSED_FRAMES, FrameDecoder
from camera.sources.v4l2.device import CaptureFormat
from tests.edge.sources.v4l2 import fake_v4l2
from tests.edge.sources.v4l2.fake_v4l2 import FakeCamera, FakeMachine
from tests.edge.sources.v4l2.rig import STOP, camera_at

WIDTH, HEIGHT, FRAMES, KEY_FRAMES = 320, 240, 40, 15  # every so many
H264 = CaptureFormat("H264", WIDTH, HEIGHT, 30)
VISIBLE = 2.0  # grey levels, on average


@functools.cache
def packets(frames: int = FRAMES, key_frames: int = KEY_FRAMES) -> tuple[bytes, ...]:
    """What a camera sends of a scene that moves: one packet an image."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.gop_size, encoder.thread_count = Fraction(1, 30), key_frames, 1  # else fewer slices
    encoder.options = {"tune": "zerolatency", "preset": "ultrafast", "x264-params": "repeat-headers=1:slices=4"}
    blocks = np.random.default_rng(1).integers(0, 255, (30, 40, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    sent: list[bytes] = []
    for number in range(frames):
        picture = av.VideoFrame.from_ndarray(np.roll(blocks, 3 * number, 1), "bgr24").reformat(format="yuv420p")
        picture.pts = number
        sent += [bytes(packet) for packet in encoder.encode(picture)]
    return tuple(sent)


@functools.cache
def whole() -> tuple[Image, ...]:
    decoder = FrameDecoder(H264)
    images = [decoder.decode(packet) for packet in packets()]
    return tuple(image for image in images if image is not None)


def flipped(packet: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(packet)
    for _ in range(8):
        spoilt[chance.randrange(len(spoilt) // 3, len(spoilt))] ^= chance.randrange(1, 256)
    return bytes(spoilt)


def cut(packet: bytes, _: random.Random) -> bytes:
    return packet[: len(packet) // 2]


def looks_whole(image: Image, number: int) -> bool:
    return float(np.abs(image.astype(int) - whole()[number]).mean()) < VISIBLE


@pytest.mark.parametrize("spoil", [flipped, cut])
def test_no_damage_is_shown_nor_what_is_drawn_on_top_of_it(spoil: Callable[[bytes, random.Random], bytes]) -> None:
    assert len(whole()) == FRAMES
    for seed in range(12):
        chance = random.Random(seed)
        at, decoder = chance.randrange(2, KEY_FRAMES - 1), FrameDecoder(H264)

        given = [spoil(packet, chance) if number == at else packet for number, packet in enumerate(packets())]
        images = [decoder.decode(packet) for packet in given]

        assert all(image is None or looks_whole(image, number) for number, image in enumerate(images)), seed
        assert all(image is not None for image in (*images[:at], *images[KEY_FRAMES:])), seed


def test_a_key_frame_that_the_driver_marks_as_damaged_ends_no_doubt() -> None:
    for seed in range(40):
        chance, decoder = random.Random(seed), FrameDecoder(H264)
        spoilt = bytearray(packets()[KEY_FRAMES])
        for _ in range(3):
            spoilt[chance.randrange(len(spoilt) // 2, len(spoilt))] ^= 1 << chance.randrange(8)

        images = [
            decoder.decode(bytes(spoilt) if number == KEY_FRAMES else packet, damaged=number == KEY_FRAMES)
            for number, packet in enumerate(packets())
        ]

        assert all(image is None for image in images[KEY_FRAMES : 2 * KEY_FRAMES]), seed
        assert all(image is not None for image in images[2 * KEY_FRAMES :]), seed


def test_without_frames_that_stand_alone_a_camera_is_dark_for_a_few_seconds_only() -> None:
    decoder = FrameDecoder(H264)

    images = [
        decoder.decode(packet, follows_loss=number == 5) for number, packet in enumerate(packets(80, key_frames=1000))
    ]

    assert [number for number, image in enumerate(images) if image is None] == list(range(5, 5 + MAX_REFUSED_FRAMES))


@pytest.mark.parametrize("content", [b"", b"\0\0\0\1\x09\x10", b"\0\0\1\x06\x05\x01\0\x80", b"\0\0\1\x0c\xff\xff\x80"])
def test_a_buffer_without_a_picture_spoils_none(content: bytes) -> None:
    decoder = FrameDecoder(H264)

    images = [decoder.decode(given) for packet in packets() for given in (packet, content)]

    assert all(image is not None for image in images[::2])
    assert all(image is None for image in images[1::2])


def shown(source: FrameSource, count: int) -> list[tuple[int, Image]]:
    """The frames that can be used of so many that are grabbed."""
    found = []
    for _ in range(count):
        source.grab()
        if frame := source.retrieve():
            found.append((frame.number, frame.image))
    return found


@pytest.mark.parametrize(("fault", "value"), [("skips", 1), ("damaged", True)])
def test_after_a_loss_nothing_is_shown_until_a_frame_that_stands_alone(
    here: FakeMachine, monkeypatch: pytest.MonkeyPatch, fault: str, value: object
) -> None:
    monkeypatch.setattr(fake_v4l2, "encoded_images", lambda _: list(packets()))
    camera = FakeCamera(sizes={"H264": ((WIDTH, HEIGHT),)})
    here.plug(camera)
    source = camera_at(here).open(STOP)
    before = shown(source, 4)

    setattr(camera, fault, value)
    during = shown(source, 1)
    setattr(camera, fault, type(value)())
    after = shown(source, 20)
    source.close()

    assert len(before) == 4
    assert during == []
    assert after[0][0] == KEY_FRAMES
    assert all(looks_whole(image, number) for number, image in before + after)


def test_a_driver_that_numbers_every_second_frame_loses_none(
    here: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_v4l2, "encoded_images", lambda _: [each for each in packets() for _ in range(2)])
    here.plug(FakeCamera(sizes={"H264": ((WIDTH, HEIGHT),)}, skips=1))
    source = camera_at(here).open(STOP)

    assert len(shown(source, 10)) == 10
    source.close()
