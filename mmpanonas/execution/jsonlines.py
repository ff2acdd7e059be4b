"""Files that grow by whole lines and survive a kill amid one."""

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path

from mmpanonas.errors import InputError
from mmpanonas.space import write_atomically


class SearchDirectoryError(InputError):
    """A file of a search that cannot be written or read, or that belongs to another search."""


class JsonLines:
    """One JSON object per line; a line without its end does not count and is written over.

    Threads and processes, also on several machines, may append at a time.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)

    def read(self) -> list[dict]:
        """All whole lines; none where there is no file."""
        return self.read_from(0)[0]

    def read_from(self, start: int) -> tuple[list[dict], int]:
        """The whole lines from byte ``start`` on, and where the next one will begin.

        Raises:
            SearchDirectoryError: a whole line is no JSON.
        """
        if not self.path.exists():
            return [], start
        with self.path.open("rb") as file:
            file.seek(start)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            return [json.loads(line) for line in whole.splitlines()], start + len(whole)
        except ValueError as error:
            raise SearchDirectoryError(
                f"{self.path} holds a line that is no JSON ({error}): remove that line"
            ) from None

    def append(self, item: dict) -> None:
        """Put one line on disk before returning, in the place of a torn one.

        Raises:
            SearchDirectoryError: it cannot be written, as on a full disk.
        """
        try:
            with open(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644), "rb+") as f:
                fcntl.lockf(f, fcntl.LOCK_EX)
                _cut_torn_line(f)
                f.write(json.dumps(item).encode() + b"\n")
                f.flush()
                os.fsync(f.fileno())
        except OSError as error:
            raise SearchDirectoryError(
                f"cannot write {self.path}: {error.strerror}; mend that, then go on with --resume"
            ) from None

    def replace(self, items: Iterable[dict]) -> None:
        """Put these lines in the place of all others, at once."""
        write_atomically(self.path, "".join(json.dumps(item) + "\n" for item in items))


def _cut_torn_line(file) -> None:
    """Only a dead writer leaves one: the living hold the lock."""
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)
