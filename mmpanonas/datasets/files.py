"""Files of a data set: what they are, without opening them."""

import contextlib
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from mmpanonas.errors import InputError
from mmpanonas.files import irregularity

#: Size in bytes and time of the last change in ns.
FileState = tuple[int, int]


def try_writing(folder: Path) -> None:
    """Write something into ``folder`` and remove it. Raises ``OSError`` where that cannot be."""
    probe = folder / f".writable-{os.getpid()}"
    try:
        probe.write_bytes(b"0" * 4096)  # a full disk takes names but no bytes
    finally:
        probe.unlink(missing_ok=True)


def check_file_place(path: Path) -> None:
    """Try to write beside ``path``, which a file will get.

    Raises:
        InputError: the folder cannot be written or is full, or the path is no file.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            problem = irregularity(path)
            if problem:
                raise InputError(f"cannot write '{path}': it {problem}; move it away")
        try_writing(path.parent)
    except OSError as error:
        raise InputError(
            f"cannot write '{path}': {error.strerror}; make the folder writable, or room in it"
        ) from None


def file_states(paths: Iterable[str]) -> dict[str, FileState]:
    """States of the files that exist."""
    states = {}
    for path in paths:
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            continue
        states[path] = found.st_size, found.st_mtime_ns
    return states


class Folders:
    """Listings of folders, each read once, to say what a missing file may be called instead."""

    def __init__(self) -> None:
        self._names: dict[Path, dict[str, str]] = {}

    def missing(self, path: Path) -> str:
        """What to say of a file that does not exist.

        Raises:
            InputError: its folder does not exist either.
        """
        alike = self._listing(path.parent).get(_plain(path.name))
        if alike is None:
            return "does not exist"
        return f"does not exist, but {alike!a} does: names must be equal to the letter"

    def _listing(self, folder: Path) -> dict[str, str]:
        if folder not in self._names:
            try:
                names = os.listdir(folder)
            except OSError:
                raise InputError(
                    f"folder '{folder}' does not exist; give the folders of the pictures and of "
                    "the segment PNGs"
                ) from None
            self._names[folder] = {_plain(name): name for name in names}
        return self._names[folder]


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
