"""A search on the ranks of a process group: each evaluates, rank 0 also coordinates."""

import ctypes
import os
import platform
import secrets
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Client, Listener
from typing import NoReturn, TypeVar

import psutil
from mmengine.dist import broadcast_object_list, get_rank, get_world_size, is_main_process
from torch.distributed import destroy_process_group

from mmpanonas.errors import InputError
from mmpanonas.execution import Attempts, Executor, Outcome, SocketExecutor, Task, serve

T = TypeVar("T")

_PR_SET_PDEATHSIG = 1


def leave_process_group() -> None:
    """Destroy the process group, and give gloo's threads a moment while the interpreter lives.

    They drop the tensors of the last collective a little after it. A thread that does so while
    the interpreter ends aborts the process (pytorch/pytorch#179291), and what PyTorch imports
    for DistributedDataParallel keeps those threads alive beyond the group.
    """
    destroy_process_group()
    with suppress(RuntimeError):  # by PyTorch, of reading processes that a signal has ended
        time.sleep(0.5)


def on_main(function: Callable[[], T]) -> T | None:
    """Call ``function`` on the main process; None on the others.

    Raises:
        InputError: on every rank, if the main one raises it.
    """
    result, error = None, [None]
    if is_main_process():
        try:
            result = function()
        except InputError as problem:
            error = [problem]
    broadcast_object_list(error)
    if error[0] is not None:
        raise error[0]
    return result


def launch_id() -> str:
    """What restarts by one torchrun have in common, its process; without one a new name."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return secrets.token_hex(8)
    process = psutil.Process(os.getppid())
    return f"{platform.node()} {process.pid} {process.create_time():.2f}"


def run_on_ranks(
    attempt: Callable[[Task], Outcome],
    search: Callable[[Executor], T],
    attempts: Attempts | None,
) -> T:
    """Evaluate on every rank what ``search`` submits on rank 0; returns its result on all.

    Evaluation has the main threads; there is no collective call while the search runs, so no
    rank waits for another. A rank that is told to stop (SIGTERM), as all are when torchrun
    restarts them, does so in good order.

    Args:
        attempts: where rank 0 notes what it evaluates itself.

    Raises:
        Exception: what ``search`` raised, on every rank.
    """
    rank, host = get_rank(), os.environ.get("MASTER_ADDR", "127.0.0.1")
    call: list = [None]
    if rank == 0:
        key = secrets.token_bytes(16)
        listener = Listener((host, 0), backlog=get_world_size(), authkey=key)
        call = [(listener.address[1], key)]
    broadcast_object_list(call)
    port, key = call[0]
    if rank == 0:
        words = (listener, search)
        threading.Thread(target=_coordinate, args=words, name="search", daemon=True).start()
        attempt = _noted(attempt, attempts)
    _end_with_launcher()
    previous = signal.signal(signal.SIGTERM, _stop)
    try:
        result, error = serve(Client((host, port), authkey=key), attempt, f"rank {rank}")
    finally:
        signal.signal(signal.SIGTERM, previous)
    if error is not None:
        raise error
    return result


def _coordinate(listener: Listener, search: Callable[[Executor], T]) -> None:
    """Search with the ranks as workers, then tell every one of them how it ended."""
    executor = SocketExecutor(listener, get_world_size())
    try:
        farewell = (search(executor), None)
    except InputError as error:
        farewell = (None, error)
    except Exception:
        farewell = (None, RuntimeError(traceback.format_exc()))  # any can be sent as text
    executor.dismiss(farewell)
    listener.close()


def _noted(attempt: Callable[[Task], Outcome], attempts: Attempts) -> Callable[[Task], Outcome]:
    """``attempt`` in the coordinator's process, whose death nobody else could tell."""

    def noted(task: Task) -> Outcome:
        attempts.started(task.index)
        try:
            outcome = attempt(task)
        except (SystemExit, KeyboardInterrupt):  # told to stop; anything else is a death
            attempts.ended(task.index)
            raise
        attempts.ended(task.index)
        return outcome

    return noted


def _stop(*_) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def _end_with_launcher() -> None:
    """Ask Linux for a SIGTERM when the launcher is killed, lest this process goes on alone."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
