"""Checks that need not be made again: a stamp for each data set that passed one.

A stamp is a file in ``$MMPANONAS_CACHE_DIR``, else ``$XDG_CACHE_HOME/mmpanonas``, else
``~/.cache/mmpanonas``, else a folder of the user's own beside temporary files; never beside the
data, which may be read-only or others'. Its name is a hash of the annotation file's bytes and of
what else decides the result, and it holds sizes and times of all files that were looked at.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mmpanonas.datasets.files import file_states
from mmpanonas.files import write_atomically

SAY_AFTER = 30
"""Seconds of waiting for another process after which a line says so."""
SETTLED = 2 * 10**9
"""Nanoseconds after its last change from which on a file's time tells of any other change."""


def stamp_key(data: bytes, *settings: object) -> str:
    """The name of a stamp: ``data`` of the annotation file, and what else decides the result."""
    digest = hashlib.blake2b(data, digest_size=16)
    digest.update(repr(settings).encode(errors="surrogatepass"))
    return digest.hexdigest()


def checked_once(
    key: str, what: str, check: Callable[[], tuple[dict, list[str]]], folder: Path | None = None
) -> dict:
    """The result of ``check``, from the stamp where the same files passed it before.

    Of several processes that ask, one checks and the others wait for its stamp. None may be
    in a process group yet, for it would give up its partners after a while.

    Args:
        key: of :func:`stamp_key`.
        what: is checked, for the line that says what is waited for.
        check: the result, something that JSON holds, and the files that it depends on.
        folder: of the stamps.

    Raises:
        Exception: those of ``check``; nothing is stamped then.
    """
    folder = folder or stamp_folder()
    if folder is None:
        return check()[0]
    path = folder / f"{key}.json"
    with _one_process(path.with_suffix(".lock"), what):
        stamp = _read(path)
        if stamp is not None and file_states(stamp["files"]) == stamp["files"]:
            return stamp["result"]
        begin = time.time_ns()
        result, files = check()
        states = file_states(files)
        if all(begin - changed > SETTLED for _, changed in states.values()):
            with contextlib.suppress(OSError):  # a full disk: it is checked again, no more
                write_atomically(path, json.dumps({"result": result, "files": states}))
    return result


def stamp_folder() -> Path | None:
    """The first folder of the list above that can be written, None if none can."""
    own = os.environ.get("MMPANONAS_CACHE_DIR")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    temporary = Path(tempfile.gettempdir(), f"mmpanonas-{os.getuid()}")
    for folder in (Path(own) if own else Path(cache, "mmpanonas"), temporary):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK | os.X_OK) and folder.stat().st_uid == os.getuid():
            return folder
    return None


def _read(path: Path) -> dict | None:
    """A stamp; None if there is none, or it was damaged."""
    try:
        stamp = json.loads(path.read_bytes())
        stamp["files"] = {name: tuple(state) for name, state in stamp["files"].items()}
        return stamp if "result" in stamp else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


@contextlib.contextmanager
def _one_process(path: Path, what: str) -> Iterator[None]:
    """Wait until no other process is here; the system gives up the lock of one that died."""
    begin, said = time.monotonic(), False
    with open(path, "w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.2)
            except OSError:  # a file system without locks: each checks for itself
                break
            if not said and time.monotonic() - begin > SAY_AFTER:
                said = True
                print(f"waiting for another process that checks {what}", flush=True)
        yield
