"""The control requests of USB and of USB Video Class, and a camera's answers."""

import struct

from dev.vm.uvc.camera import PROBE_BYTES, PlayedCamera

KIND, OF_CLASS = 0x60, 0x20  # the bits that say whose request it is
TO_HOST, SET_CURRENT, GET_INFO, GET_LENGTH = 0x80, 0x01, 0x86, 0x85
CONTROL, STREAMING = 0, 1  # the interfaces
COMMIT, PROCESSING_UNIT, BRIGHTNESS, ERROR_CODE = 2, 2, 2, 2
GET_STATUS, CLEAR_FEATURE, SET_FEATURE, SET_ADDRESS, GET_DESCRIPTOR = 0, 1, 3, 5, 6
GET_CONFIGURATION, SET_CONFIGURATION, GET_INTERFACE, SET_INTERFACE = 8, 9, 10, 11
BRIGHTNESS_ANSWERS = {GET_INFO: b"\x03", GET_LENGTH: b"\x02\0", 0x82: b"\0\0", 0x83: b"\xff\0", 0x84: b"\1\0"}


class NeverAnsweredError(Exception):
    """The camera is deaf."""


class ControlRequests:
    """What one attached camera answers; None is a stall."""

    def __init__(self, camera: PlayedCamera) -> None:
        self._camera = camera
        self._alternate = 0

    def answer(self, setup: bytes, data: bytes) -> bytes | None:
        """Carry a request out; raises NeverAnsweredError."""
        kind, request, value, index, _ = struct.unpack("<BBHHH", setup)
        if kind & KIND == OF_CLASS:
            if self._camera.deaf:
                raise NeverAnsweredError
            interface, unit, selector = index & 255, index >> 8, value >> 8
            if interface == STREAMING:
                return self._negotiate(request, selector, data)
            return self._control(kind, request, unit, selector)
        return self._read(request, value) if kind & TO_HOST else self._write(request, value, index)

    def _read(self, request: int, value: int) -> bytes | None:
        if request == GET_DESCRIPTOR:
            return self._camera.describe(value >> 8, value & 255)
        answers = {GET_STATUS: b"\0\0", GET_CONFIGURATION: b"\1", GET_INTERFACE: bytes([self._alternate])}
        return answers.get(request)

    def _write(self, request: int, value: int, index: int) -> bytes | None:
        if request == SET_INTERFACE:
            self._alternate = value
            if index == STREAMING:
                self._stream(on=value > 0)
        elif request == CLEAR_FEATURE and self._camera.model.bulk and value == 0:
            self._stream(on=False)  # uvcvideo ends a bulk stream by clearing the halt
        return b"" if request in {CLEAR_FEATURE, SET_FEATURE, SET_ADDRESS, SET_CONFIGURATION, SET_INTERFACE} else None

    def _negotiate(self, request: int, selector: int, data: bytes) -> bytes:
        camera = self._camera
        if request == SET_CURRENT:
            camera.settle(data)
            if selector == COMMIT and camera.model.bulk:
                self._stream(on=True)
            return b""
        return {GET_INFO: b"\x03", GET_LENGTH: struct.pack("<H", PROBE_BYTES)}.get(request, camera.settled)

    @staticmethod
    def _control(kind: int, request: int, unit: int, selector: int) -> bytes | None:
        if unit == PROCESSING_UNIT and selector == BRIGHTNESS:
            return BRIGHTNESS_ANSWERS.get(request, b"\x80\0") if kind & TO_HOST else b""
        return b"\x06" if unit == 0 and selector == ERROR_CODE else None

    def _stream(self, *, on: bool) -> None:
        if on:
            self._camera.start()
        else:
            self._camera.stop()
