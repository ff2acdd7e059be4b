"""What the paths of command lines must be: kinds that a tool gives as an argument's ``type``.

They are looked at while the command line is read, before anything else is done.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mmpanonas.files import IS_FOLDER, SHIPPED, irregularity

_ABSENT = "does not exist"
_IS_FILE = "is a file, not a folder"


@dataclass(frozen=True)
class PathKind:
    """A kind of paths; called with a text it returns that, or says what is wrong with it.

    Attributes:
        words: what is expected, as a message says it.
        problem: what is wrong with a path ("does not exist"), or None.
        written: whether the tool writes there.
        others: texts that are no path and are taken too; ``://`` stands for all addresses.
    """

    words: str
    problem: Callable[[str], str | None]
    written: bool = False
    others: tuple[str, ...] = ()

    def __call__(self, text: str) -> str:
        """Raise ``ArgumentTypeError``: given and expected, in a line."""
        if text in self.others or ("://" in self.others and "://" in text):
            return text
        unprintable = any(ord(letter) < 32 or ord(letter) == 127 for letter in text)
        problem = "holds control characters" if unprintable else self.problem(text)
        if problem:
            raise argparse.ArgumentTypeError(
                f"expected {self.words}, got {text!r}, which {problem}"
            )
        return text


class ConfigKind(PathKind):
    """As ``PathKind``; ``mmpanonas::NAME`` is a shipped config, as in a config's ``_base_``."""

    def __call__(self, text: str) -> str:
        """The path of the file. Raises as ``PathKind`` does."""
        package, colons, name = text.partition("::")
        shipped = colons and package == "mmpanonas"
        return super().__call__(str(SHIPPED / "configs" / name) if shipped else text)


def no_file(path: str) -> str | None:
    """Why a path is no file that can be read, or None."""
    return _nothing_there(path, _whole_file)


def no_folder(path: str) -> str | None:
    """Why a path is no folder that can be read, or None."""
    return _nothing_there(path, _whole_folder)


def _nothing_there(path: str, there: Callable[[str, str | None, int], str | None]) -> str | None:
    try:
        return there(path, irregularity(path), os.R_OK)
    except FileNotFoundError:
        link = os.path.islink(path)
        return f"is a link to {os.readlink(path)!r}, which {_ABSENT}" if link else _ABSENT


def no_file_or_folder(path: str) -> str | None:
    """Why a path is neither a file nor a folder, or None."""
    return no_folder(path) if os.path.isdir(path) else no_file(path)


def no_new_file(path: str) -> str | None:
    """Why no file can be written at a path, or None; its folder may have to be made."""
    return IS_FOLDER if path.endswith(os.sep) else _no_place(path, _whole_file)


def no_new_file_here(path: str) -> str | None:
    """Why no file can be written at a path, whose folder is there, or None."""
    problem = no_new_file(path)
    if problem or Path(os.path.realpath(path)).parent.is_dir():
        return problem
    return "cannot be written: its folder does not exist"


def no_prefix(path: str) -> str | None:
    """Why no files can be written whose names begin with a path, or None."""
    if path.endswith(os.sep):
        return "names a folder and no beginning"
    return _no_room(Path(path).absolute().parent)


def no_new_folder(path: str) -> str | None:
    """Why a path cannot become a folder to write in, or None."""
    return _no_place(path, _whole_folder)


def _no_place(path: str, there: Callable[[str, str | None, int], str | None]) -> str | None:
    """Why nothing can be written at a path: because of what is ``there``, or of what is above."""
    room = partial(_no_room, Path(os.path.realpath(path)).parent)
    try:
        problem = irregularity(path)
    except FileNotFoundError:
        return room()
    blocked = problem is not None and problem.startswith("cannot")
    return (room() if blocked else None) or there(path, problem, os.W_OK)


def _whole_file(path: str, problem: str | None, mode: int) -> str | None:
    return problem or _closed(path, mode)


def _whole_folder(path: str, problem: str | None, mode: int) -> str | None:
    if problem == IS_FOLDER:
        return _closed(path, mode | os.X_OK)
    return _IS_FILE if problem is None else problem.replace("a file", "a folder")


def _no_room(folder: Path) -> str | None:
    """Why nothing can be made in a folder, which may have to be made itself, or None."""
    nearest = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not nearest.is_dir():
        return f"lies below {str(nearest)!r}, no folder"
    return _closed(nearest, os.W_OK | os.X_OK)


def _closed(path: str | os.PathLike, mode: int) -> str | None:
    return None if os.access(path, mode) else f"is closed to you (permissions of {str(path)!r})"


FILE = PathKind("a file", no_file)
CONFIG = ConfigKind("a file", no_file)
CHECKPOINT = PathKind("a file or a URL", no_file, others=("://",))
RESUMED = PathKind("a file, a URL or auto", no_file, others=("://", "auto"))
PICTURES = PathKind("a file, a folder or a URL", no_file_or_folder, others=("://",))
FOLDER = PathKind("a folder", no_folder)
SEARCH = PathKind("a folder or a file", no_file_or_folder)
NEW_FILE = PathKind("a name for a file", no_new_file, written=True)
NEW_FILE_HERE = PathKind("a name for a file", no_new_file_here, written=True)
PREFIX = PathKind("the beginning of names, such as results/coco", no_prefix, written=True)
NEW_FOLDER = PathKind("a name for a folder", no_new_folder, written=True)
