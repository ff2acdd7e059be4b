"""Ray itself: imported, started here or joined elsewhere."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

from mmpanonas.errors import InputError

#: Seconds that a Ray whose port is open has to answer; a busy one takes a few.
ANSWER = 30.0


def start_ray(ray: ModuleType, address: str | None, cpus: int, patience: float) -> None:
    """Start a local Ray for so many workers, or join the cluster at an address.

    Args:
        patience: seconds until an address is given up. Ray itself waits for minutes.

    Raises:
        InputError: nobody answers at the address.
    """
    with _own_signals():
        if address is None:
            # "local": without it, Ray joins whatever cluster runs on this machine.
            ray.init("local", num_cpus=cpus, include_dashboard=False, log_to_driver=False)
            return
        _wait_for(address, patience)
        _check_answer(address)
        try:
            ray.init(address=address, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError, AssertionError) as problem:
            raise _unreachable(address, problem) from None


def _wait_for(address: str, patience: float) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    end = time.monotonic() + patience
    while port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=patience).close()
            return
        except (OSError, OverflowError) as error:
            if time.monotonic() > end:
                raise _unreachable(address, error) from None
        time.sleep(min(1.0, patience))


def _check_answer(address: str) -> None:
    """Ray itself would wait for an open port's answer where no signal reaches it, for minutes."""
    if address.startswith("ray://") or ":" not in address:
        return
    words = ["-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        asked = subprocess.run([sys.executable, *words], capture_output=True, timeout=ANSWER)
    except subprocess.TimeoutExpired:
        problem = f"the port is open, but nothing in {ANSWER:g} s"
        raise _unreachable(address, TimeoutError(problem)) from None
    if asked.returncode:
        raise _unreachable(address, ConnectionError("its head says that it is not well"))


def _unreachable(address: str, problem: Exception) -> InputError:
    first = str(problem).strip().partition("\n")[0]
    return InputError(
        f"--ray-address {address}: no Ray cluster answers there ({first}); start it (ray start "
        f"--head), then go on with --resume"
    )


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this process's answer to SIGTERM, in whose place Ray puts its own."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        with suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGTERM, before)


def import_ray(local: bool = False):
    """The module ``ray``, which sends no usage statistics; a local one keeps to this machine.

    Raises:
        InputError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if local:  # Ray's own switch for nodes at 127.0.0.1
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError:
        raise InputError(
            "workers need Ray, which is not installed: pip install -e '.[ray]' in the project's "
            "folder, on every machine of the cluster"
        ) from None
    return ray
