"""Work on many pictures in threads, with a progress bar."""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

from mmpanonas.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

BAR_FROM = 500
"""Pictures from which on there is a bar; fewer are done at once."""


def map_pictures(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int | None, what: str
) -> Iterator[Result]:
    """``function`` of every item, in their order.

    Decoders release the interpreter, so threads do; processes would import everything again.

    Args:
        function: what to do; safe in threads.
        items: one per picture.
        workers: threads; 0 works in this one, None has one for each core that may be used.
        what: title of the bar.

    Raises:
        InputError: ``workers`` is negative.
        Exception: the first error of ``function``, in the order of items; what has not begun
            by then is left out.
    """
    workers = usable_cores() if workers is None else workers
    if workers < 0:
        raise InputError(f"workers is {workers}; 0 (this thread) or more were expected")
    bar = functools.partial(tqdm, total=len(items), desc=what, disable=len(items) < BAR_FROM)
    if not workers:
        yield from bar(map(function, items))
        return
    pool = ThreadPoolExecutor(workers)
    try:
        yield from bar(pool.map(function, items))
    finally:
        pool.shutdown(cancel_futures=True)


def usable_cores() -> int:
    """Cores that this process may use, which a container or a job may have few of."""
    return len(os.sched_getaffinity(0))
