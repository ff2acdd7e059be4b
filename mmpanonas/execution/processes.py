"""Commands side by side, each in a process of its own with a log of its own."""

import fcntl
import os
import queue
import subprocess
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
    running: dict[str, subprocess.Popen] = {}

    def run(name: str) -> bool:
        environment = places.get()
        try:
            with (logs / f"{name}.log").open("a") as log:
                running[name] = subprocess.Popen(
                    commands[name],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=os.environ | dict(environment),
                )
                return running[name].wait() == 0
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
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running.values():
                process.terminate()
            raise
    return failed


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process is within this context of ``folder``, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield
