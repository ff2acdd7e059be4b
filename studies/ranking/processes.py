"""Commands side by side, each in a process of its own with a log of its own."""

import fcntl
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path


def run_processes(
    commands: Mapping[str, Sequence[str]],
    environments: Sequence[Mapping[str, str]],
    logs: Path,
    ended: Callable[[str, bool], None],
) -> list[str]:
    """Run all commands, as many at a time as there are ``environments``.

    One that fails does not stop the others; when this process is interrupted, all end.

    Args:
        commands: by name.
        environments: what each of the places adds to this process's own.
        logs: folder of what they print, a file for each, which a further start goes on with.
        ended: called with each one's name, and whether it succeeded.

    Returns:
        The names of those that failed.
    """
    logs.mkdir(parents=True, exist_ok=True)
    places: queue.SimpleQueue[Mapping[str, str]] = queue.SimpleQueue()
    for environment in environments:
        places.put(environment)
    running: list[subprocess.Popen] = []
    starting, stopped = threading.Lock(), threading.Event()

    def run(name: str) -> bool:
        environment = places.get()
        try:
            with starting:  # what begins while all are told to end would not be told
                if stopped.is_set():
                    return False
                process = _start(commands[name], environment, logs / f"{name}.log")
                running.append(process)
            return process.wait() == 0
        finally:
            places.put(environment)

    failed = []
    with ThreadPoolExecutor(len(environments)) as pool:
        futures = {pool.submit(run, name): name for name in commands}
        try:
            for future in as_completed(futures):
                ended(futures[future], future.result())
                failed += [] if future.result() else [futures[future]]
        except BaseException:
            with starting:
                stopped.set()
                for process in running:
                    process.terminate()
            raise
    return failed


def _start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen:
    with log.open("a") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | dict(environment),
        )


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process is within this context of ``folder``, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield
