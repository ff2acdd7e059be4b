"""Files that grow by whole lines and survive a kill amid one."""

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from mmpanonas.errors import InputError
from mmpanonas.files import locked, write_all, write_atomically

T = TypeVar("T")

#: A file system that hands locks to a server takes the threads of a process for one.
_THREADS = threading.Lock()


class SearchDirectoryError(InputError):
    """A file of a search that cannot be written or read, or that belongs to another search."""


class Line(NamedTuple):
    """A whole line: its number, from 1, and what it says."""

    number: int
    item: dict


class Position(NamedTuple):
    """Where a line begins: the bytes and the lines before it."""

    byte: int
    line: int


BEGIN = Position(0, 0)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what a failing disk stops and how to go on.

    Raises:
        SearchDirectoryError: for an ``OSError`` inside.
    """
    try:
        yield
    except OSError as error:
        if not path.parent.is_dir():
            raise SearchDirectoryError(
                f"cannot write {path}: the folder {path.parent} is gone; bring it back as it "
                f"was and go on with --resume, or begin anew in another --work-dir"
            ) from None
        raise SearchDirectoryError(
            f"cannot write {path}: {error.strerror}; fix that, then go on with --resume: what "
            f"was written before is safe"
        ) from None


class JsonLines:
    """One JSON object per line; a line without its end does not count and is written over.

    Threads and processes, also on several machines, may append at a time.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)

    def read(self) -> list[dict]:
        """All whole lines; none where there is no file. Errors are those of :meth:`lines`."""
        return [line.item for line in self.lines()[0]]

    def lines(
        self, start: Position = BEGIN, damaged: Callable[[str], None] | None = None
    ) -> tuple[list[Line], Position]:
        """The whole lines from ``start`` on, and where the next one will begin.

        Args:
            damaged: called with what is wrong with a line that is no JSON object, which is
                then left out.

        Raises:
            SearchDirectoryError: the file cannot be read; or a line is no JSON object, and
                ``damaged`` is None.
        """
        content = self._content(start.byte)
        whole = content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
        found = []
        for number, text in enumerate(whole, start.line + 1):
            try:
                found.append(Line(number, _object(text)))
            except ValueError as error:
                if damaged is None:
                    raise self.error(number, f"is {error}") from None
                damaged(f"{self.path}, line {number}, is {error}")
        size = sum(map(len, whole)) + len(whole)
        return found, Position(start.byte + size, start.line + len(whole))

    def error(self, number: int, problem: str) -> SearchDirectoryError:
        """What to raise for a damaged line."""
        return SearchDirectoryError(
            f"{self.path}, line {number}, {problem}: restore that line, or remove it; what it "
            f"held is then done again"
        )

    def _content(self, start: int) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise SearchDirectoryError(
                f"cannot read {self.path}: {error.strerror}; fix that, then go on with --resume"
            ) from None

    def append(self, item: dict) -> None:
        """Put one line on disk before returning, in the place of a torn one.

        Raises:
            SearchDirectoryError: it cannot be written, as on a full disk; it is not there then.
        """
        line = json.dumps(item).encode() + b"\n"
        with writing(self.path), _THREADS, locked(self.path, os.O_APPEND) as descriptor:
            size = _whole_size(descriptor)
            os.ftruncate(descriptor, size)
            try:
                write_all(descriptor, line)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise

    def replace(self, items: Iterable[dict]) -> None:
        """Put these lines in the place of all others, at once.

        Raises:
            SearchDirectoryError: they cannot be written; the others are still there.
        """
        with writing(self.path):
            write_atomically(self.path, "".join(json.dumps(item) + "\n" for item in items))


def _object(text: bytes) -> dict:
    """The JSON object of a line. Raises ``ValueError`` that says what it is instead."""
    try:
        item = json.loads(text.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("no JSON (it is nested too deep)") from None
    except ValueError as error:
        raise ValueError(f"no JSON ({error})") from None
    if not isinstance(item, dict):
        raise ValueError(f"no JSON object but {repr(item)[:60]}")
    return item


def _whole_size(descriptor: int) -> int:
    """The bytes of all whole lines. Only a dead writer leaves more: the living hold the lock."""
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    return os.pread(descriptor, size, 0).rfind(b"\n") + 1
