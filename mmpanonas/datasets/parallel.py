"""Work on many pictures, in this process or in several, with a progress bar."""

import argparse
import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tqdm import tqdm

from mmpanonas.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

BAR_FROM = 500
"""Pictures from which on there is a bar; fewer are done at once."""


def map_pictures(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, what: str
) -> list[Result]:
    """``function`` of every item, in their order.

    Args:
        function: what to do; with workers, something that pickles.
        items: one per picture.
        workers: processes; 0 works in this one.
        what: title of the bar.

    Raises:
        InputError: ``workers`` is negative, or one of them was killed.
        Exception: the first error of ``function``, in the order of items; what has not begun
            by then is left out.
    """
    if workers < 0:
        raise InputError(f"workers is {workers}; 0 (this process) or more were expected")
    bar = functools.partial(tqdm, total=len(items), desc=what, disable=len(items) < BAR_FROM)
    if not workers:
        return list(bar(map(function, items)))
    chunk = max(1, min(32, len(items) // (8 * workers)))
    try:
        with ProcessPoolExecutor(workers) as pool:
            return list(bar(pool.map(function, items, chunksize=chunk)))
    except BrokenProcessPool:
        raise InputError(
            f"{what}: one of {workers} worker processes was killed, mostly for lack of memory; "
            "run it again with fewer --workers"
        ) from None


def add_workers(parser: argparse.ArgumentParser) -> None:
    """The argument ``--workers`` of a tool: as many processes as the machine has cores."""
    cores = os.cpu_count()
    parser.add_argument(
        "--workers", type=int, default=cores, help=f"processes, 0 for none (default {cores})"
    )
