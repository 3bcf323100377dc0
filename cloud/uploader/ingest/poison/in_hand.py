"""What the threads of an uploader are reading right now, in a file that outlives its process."""

import contextlib
import ctypes
import fcntl
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

IDENTITY_BYTES = 32
SLOT_BYTES = IDENTITY_BYTES + 64  # and the edge's name
EMPTY = bytes(SLOT_BYTES)
MAX_UPLOADERS = 100  # that share a folder
NAME = "in-hand.{}"

# os.pwrite lets another thread run first, and each image is noted twice: that took a fifth of all time. PyDLL does not.
write_at = ctypes.PyDLL(None).pwrite
write_at.argtypes = ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_long


@dataclass(frozen=True, slots=True)
class Reading:
    """One message that is being read."""

    identity: bytes
    edge: str

    def to_bytes(self) -> bytes:
        return (self.identity + self.edge.encode())[:SLOT_BYTES].ljust(SLOT_BYTES, b"\0")

    @classmethod
    def from_bytes(cls, slot: bytes) -> Self:
        return cls(slot[:IDENTITY_BYTES], slot[IDENTITY_BYTES:].rstrip(b"\0").decode("utf-8", "replace"))


class InHand:
    """A slot for each thread. What was written is the kernel's, so it is still there when the process was killed."""

    def __init__(self, handle: int, slots: int) -> None:
        self._handle = handle
        self._lock = threading.Lock()
        self._free = list(range(slots))

    @classmethod
    def open(cls, folder: Path, slots: int) -> tuple[Self, list[Reading]]:
        """Take a file that no living process has; also return what ended processes had in hand. Raises OSError."""
        left: list[Reading] = []
        ours: int | None = None
        for number in range(MAX_UPLOADERS):
            file = folder / NAME.format(number)
            if ours is not None and not file.exists():
                break
            handle = _lock(file)
            if handle is None:
                continue
            left += _read(handle)
            os.ftruncate(handle, 0)
            if ours is None:
                ours = handle
                os.posix_fallocate(handle, 0, slots * SLOT_BYTES)  # so that a full disk is noticed here
            else:
                os.close(handle)
        if ours is None:
            raise OSError(0, f"{MAX_UPLOADERS} uploaders use it already")
        return cls(ours, slots), left

    def put(self, reading: Reading) -> int:
        """Note what a thread begins to read; return its slot."""
        with self._lock:
            slot = self._free.pop()
        self._write(slot, reading.to_bytes())
        return slot

    def clear(self, slot: int) -> None:
        self._write(slot, EMPTY)
        with self._lock:
            self._free.append(slot)

    def forget(self) -> None:
        """Leave nothing behind: this process ends because it was asked to."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)

    def _write(self, slot: int, content: bytes) -> None:
        write_at(self._handle, content, SLOT_BYTES, slot * SLOT_BYTES)  # a message that is not noted is still read


def _lock(file: Path) -> int | None:
    """Open a file and lock it until this process ends; None if another process has it."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _read(handle: int) -> Iterator[Reading]:
    content = os.pread(handle, 1 << 16, 0)
    slots = (content[at : at + SLOT_BYTES] for at in range(0, len(content), SLOT_BYTES))
    return (Reading.from_bytes(slot) for slot in slots if len(slot) == SLOT_BYTES and slot != EMPTY)
