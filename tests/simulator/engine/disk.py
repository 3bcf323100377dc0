"""A host's disk: what programs see, what a power cut leaves, and the errors of a bad day.

A file's content is durable once it is synced, its name once its folder is. What was not synced may or may not be there
after a power cut, each name and content by chance; contents may be torn.
"""

import errno
import os
import types
from collections.abc import Callable, Iterator
from typing import Any, Self

from tests.simulator.engine.simulation import KilledError, Process, Simulation


class Content:
    """What a name leads to."""

    def __init__(self) -> None:
        self.data = b""
        self.durable: bytes | None = None


class Disk:
    """Names are paths; a folder is only a prefix of them."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        self.simulation, self.name = simulation, name
        self.files: dict[str, Content] = {}
        self.durable: dict[str, Content] = {}
        self.locks: dict[str, Process] = {}
        self.full = self.broken = self.unreadable = False
        self.lies = False  # it reports as synced what a power cut will take
        self.handles: dict[int, tuple[str, Content | None]] = {}
        self._next_handle = 100
        self.on_unlink: Callable[[str], object] = lambda _name: None
        self.on_named: Callable[[], object] = lambda: None

    def step(self, *, writes: bool = False, changes: bool = False) -> None:
        """One system call: others may come before it, the process may end before it, and the disk may refuse.

        A full disk refuses what `writes`, a broken one also what `changes` names: it has become read-only.
        """
        self.simulation.pause()
        if writes and self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if (writes or changes) and self.broken:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def open(self, name: str, content: Content | None) -> int:
        self._next_handle += 1
        self.handles[self._next_handle] = name, content
        return self._next_handle

    def sync(self, handle: int) -> None:
        name, content = self.handles[handle]
        if self.lies:
            return
        if content is not None:
            content.durable = content.data
            return
        inside = [each for each in {**self.files, **self.durable} if each.rpartition("/")[0] == name]
        for each in inside:
            if each in self.files:
                self.durable[each] = self.files[each]
            else:
                self.durable.pop(each, None)

    def write_back(self) -> None:
        """The kernel does so by itself after a while."""
        for content in self.files.values():
            content.durable = content.data
        self.durable = dict(self.files)

    def rot(self, name: str) -> bool:
        """Damage a file; False if it is not there."""
        content = self.files.get(name)
        if content is None:
            return False
        whole, rng = content.data, self.simulation.rng
        place = rng.randrange(len(whole))
        content.data = rng.choice([whole[:place], whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]])
        content.durable = content.data
        return True

    def cut_power(self) -> None:
        rng = self.simulation.rng
        left: dict[str, Content] = {}
        for name in {**self.files, **self.durable}:
            now, before = self.files.get(name), self.durable.get(name)
            chosen = now if now is before else rng.choice([now, before])
            if chosen is not None:
                left[name] = chosen
        for content in left.values():
            if content.durable != content.data:
                torn = content.data[: rng.randrange(len(content.data) + 1)]
                content.data = rng.choice([content.durable or b"", torn, torn + bytes(len(content.data) - len(torn))])
                content.durable = content.data
        self.files, self.durable = left, dict(left)
        self.handles.clear()
        self.locks.clear()


class Path:
    """As much of pathlib's as the spool uses."""

    def __init__(self, disk: Disk, text: str) -> None:
        self._disk, self._text = disk, text

    def __truediv__(self, name: str) -> "Path":
        return Path(self._disk, f"{self._text}/{name}")

    def __str__(self) -> str:
        return self._text

    def __lt__(self, other: "Path") -> bool:
        return self._text < other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and self._text == other._text

    @property
    def disk(self) -> Disk:
        return self._disk

    @property
    def name(self) -> str:
        return self._text.rpartition("/")[2]

    @property
    def parent(self) -> "Path":
        return Path(self._disk, self._text.rpartition("/")[0])

    def with_name(self, name: str) -> "Path":
        return self.parent / name

    def mkdir(self, **_: object) -> None:
        self._disk.step(writes=True)

    def chmod(self, _mode: int) -> None:
        return

    def is_dir(self) -> bool:
        return any(name.startswith(f"{self._text}/") for name in self._disk.files)

    def is_file(self, **_: object) -> bool:
        return self._text in self._disk.files

    def read_bytes(self) -> bytes:
        self._disk.step()
        if self._disk.unreadable:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return self._content().data

    def unlink(self, *, missing_ok: bool = False) -> None:
        self._disk.step(changes=True)
        if self._text in self._disk.files:
            self._disk.on_unlink(self.name)
            del self._disk.files[self._text]
            self._disk.simulation.trace(
                f"{self._disk.name} unlinks {self.name if '.part' not in self.name else 'part'}"
            )
        elif not missing_ok:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def replace(self, target: "Path") -> None:
        self._disk.step(changes=True)
        self._disk.files[str(target)] = self._content()
        del self._disk.files[self._text]
        self._disk.on_named()

    rename = replace

    def iterdir(self) -> Iterator["Path"]:
        return iter([Path(self._disk, name) for name in self._names()])

    def stat(self) -> Any:
        return types.SimpleNamespace(st_size=len(self._content().data))

    def entries(self) -> list[Any]:
        """As os.scandir."""
        self._disk.step()
        if self._disk.unreadable:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        found = []
        names = self._names()
        self._disk.simulation.rng.shuffle(names)  # a folder has no order
        for name in names:
            path = Path(self._disk, name)
            found.append(types.SimpleNamespace(name=path.name, path=path, stat=path.stat, is_file=path.is_file))
        return found

    def _names(self) -> list[str]:
        return [name for name in self._disk.files if name.rpartition("/")[0] == self._text]

    def _content(self) -> Content:
        if self._text not in self._disk.files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return self._disk.files[self._text]


class File:
    """What os.fdopen returns."""

    def __init__(self, disk: Disk, handle: int) -> None:
        self._disk, self._handle = disk, handle
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._buffer:
            self.flush()
        self._disk.handles.pop(self._handle, None)

    def write(self, content: bytes) -> int:
        self._buffer += content
        return len(content)

    def flush(self) -> None:
        content = self._disk.handles[self._handle][1]
        if content is None:
            raise KilledError
        half = len(self._buffer) // 2
        for part in (self._buffer[:half], self._buffer[half:]):  # a crash may come between
            self._disk.step(writes=True)
            content.data += part
        self._buffer = b""


def _open(path: Path, flags: int, _mode: int = 0o777) -> int:
    disk = path.disk
    disk.step(writes=bool(flags & os.O_CREAT))
    if flags & os.O_DIRECTORY:
        return disk.open(str(path), None)
    if flags & os.O_EXCL and str(path) in disk.files:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    return disk.open(str(path), disk.files.setdefault(str(path), Content()))


def _urandom(size: int) -> bytes:
    return Simulation.current.rng.randbytes(size)


def _disk() -> Disk:
    disk: Disk = Simulation.current.process().disk
    return disk


def _fsync(handle: int) -> None:
    disk = _disk()
    disk.step(writes=True)
    disk.sync(handle)


def _close(handle: int) -> None:
    _disk().handles.pop(handle, None)


def _flock(handle: int, _operation: int) -> None:
    disk = _disk()
    name, process = disk.handles[handle][0], Simulation.current.process()
    owner = disk.locks.get(name)
    if owner is not None and owner.alive and owner is not process:
        raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK))
    disk.locks[name] = process


OS = types.SimpleNamespace(
    O_WRONLY=os.O_WRONLY,
    O_RDWR=os.O_RDWR,
    O_RDONLY=os.O_RDONLY,
    O_CREAT=os.O_CREAT,
    O_EXCL=os.O_EXCL,
    O_CLOEXEC=os.O_CLOEXEC,
    O_DIRECTORY=os.O_DIRECTORY,
    open=_open,
    fdopen=lambda handle, _mode: File(_disk(), handle),
    fchmod=lambda _handle, _mode: None,
    fsync=_fsync,
    close=_close,
    scandir=Path.entries,
    urandom=_urandom,
)
FCNTL = types.SimpleNamespace(LOCK_EX=2, LOCK_NB=4, flock=_flock)
