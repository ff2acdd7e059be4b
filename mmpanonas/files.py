"""Files: what a path is; the one atomic writer, so that they are whole or absent; locks; keys."""

import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Configs, tools and demo, where MMEngine and MIM look for them; in a checkout the checkout.
SHIPPED = (Path(__file__).parent / ".mim/configs").resolve().parent

_KINDS = {
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}

IS_FOLDER = "is a folder, not a file"


def irregularity(path: str | os.PathLike) -> str | None:
    """Why a path cannot be read as a file, or None; opening a pipe would wait for ever.

    Raises:
        FileNotFoundError: there is nothing.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # links in circles, names too long, a zero byte
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"
    kind = _KINDS.get(stat.S_IFMT(found.st_mode))
    return f"is a {kind}, not a file" if kind else None


def parse_json(text: str | bytes) -> object:
    """As ``json.loads``; what cannot be read is a ``ValueError``, also if it is nested too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def write_atomically(path: str | os.PathLike, content: str | bytes) -> None:
    """Write ``content`` so that a reader sees the old file or the new one, never a part.

    A link stays a link: what it points at is replaced. A new file's mode obeys the umask, an
    old one's stays. The temporary file beside it has one name, so that what a killed writer
    left is used up by the next. Half a character, such as a file's name in another encoding or
    an escape of JSON leaves, is written as an escape.

    Raises:
        OSError: nothing is changed; it names the file.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.tmp")
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    with locked(temporary) as descriptor:
        try:
            os.ftruncate(descriptor, 0)
            write_all(descriptor, data)
            os.fsync(descriptor)
            with suppress(FileNotFoundError):
                os.fchmod(descriptor, stat.S_IMODE(target.stat().st_mode))
            os.replace(temporary, target)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(temporary)
            if isinstance(error, OSError) and error.filename is None:  # of a write
                error.filename = os.fspath(path)
            raise


def remove_temporaries(folder: Path, name: str) -> None:
    """Remove what killed writers of the files called ``name`` (a regular expression) left.

    Those of a living writer are locked and stay; so do those of another user.
    """
    # The second ending is that of Python's tempfile, which older searches wrote with.
    left_over = re.compile(rf"\.(?:{name})\.(?:tmp|[a-z0-9_]{{8}})")
    for entry in os.scandir(folder):
        if left_over.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            with suppress(OSError), open(entry.path, "rb+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(entry.path)


@contextmanager
def locked(path: str | os.PathLike, flags: int = 0) -> Iterator[int]:
    """The descriptor of a file, made if absent, that no other thread or process has locked.

    It is the file of that name: one that was replaced while this waited is opened anew. Where
    a file system knows no locks there is none.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
        try:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_named(descriptor, path):
                yield descriptor
                return
        finally:
            with suppress(OSError):  # a child that was forked meanwhile holds it open
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _is_named(descriptor: int, path: str | os.PathLike) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data``: a full disk may take a part and complain at the next call."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def unique_keys(pairs: list[tuple[str, object]]) -> dict:
    """A JSON object, for ``json.loads(object_pairs_hook=...)``.

    Raises:
        ValueError: a key comes twice; of two values JSON readers take either.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"an object has the key {json.dumps(repeated)} twice")
    return found
