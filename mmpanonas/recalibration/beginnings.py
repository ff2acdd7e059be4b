"""What paths that begin with the same choices share: activations and moments of each batch.

While a path is recalibrated every batch is normalised with its own statistics, so what the
first blocks make of a batch is a function of the batch and of those blocks' choices alone. An
evolution's children begin like their parents: they start where they first differ from a path
whose beginning is kept. The kernels and their inputs are the same, so are the results, to the
last bit, whatever is kept.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from mmpanonas.recalibration.moments import Moments


class Beginning(NamedTuple):
    """A batch after the first modules of a path."""

    #: None after the last module, where nobody reads it.
    activation: Tensor | None
    #: Of all norms up to here.
    moments: Moments

    @property
    def size(self) -> int:
        """Bytes."""
        tensors = [t for runs in self.moments.values() for _, *run in runs for t in run]
        tensors += [] if self.activation is None else [self.activation]
        return sum(t.numel() * t.element_size() for t in tensors)


class BeginningCache:
    """Beginnings of paths on one batch, within a bound in bytes.

    When room is needed those inside a stage go first, then those at ends of stages (a path
    needs fewer of them to be found again); among equals the one that was used longest ago.
    """

    def __init__(self, room: int) -> None:
        self.room, self.used = room, 0
        self._inside: OrderedDict[tuple, Beginning] = OrderedDict()
        self._ends: OrderedDict[tuple, Beginning] = OrderedDict()

    def longest(self, choices: tuple) -> tuple[int, Beginning]:
        """The longest beginning of ``choices`` that is kept: how many of them, and it."""
        for depth in range(len(choices), 0, -1):
            for kept in (self._inside, self._ends):
                if choices[:depth] in kept:
                    kept.move_to_end(choices[:depth])
                    return depth, kept[choices[:depth]]
        return 0, Beginning(None, {})

    def keep(self, choices: tuple, beginning: Beginning, ends_stage: bool) -> None:
        """Keep what is not yet known, unless it alone is more than the bound."""
        if beginning.size > self.room:
            return
        (self._ends if ends_stage else self._inside)[choices] = beginning
        self.used += beginning.size
        while self.used > self.room:
            _, dropped = (self._inside or self._ends).popitem(last=False)
            self.used -= dropped.size


class Beginnings:
    """A cache for each batch of a fixed list, on the device where a model runs.

    Belongs to one model and one list of batches; another of either empties it, and so do
    weights that were written or moved. Another path needs no care, since its choices are the key.

    Args:
        memory: MiB; each batch has an equal share, so that a beginning is kept of all batches
            or of none. 0 keeps nothing.
    """

    def __init__(self, memory: int) -> None:
        self._room = memory * 2**20
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._caches: list[BeginningCache] = []
        self._batches: Sequence | None = None
        self._weights: list[tuple[int, int]] = []

    def of(self, model: nn.Module, batches: Sequence) -> list[BeginningCache]:
        """A cache for each of ``batches``, empty where the last call's were others' or older."""
        # PyTorch counts the writes into every tensor.
        weights = [(p.data_ptr(), p._version) for p in model.parameters()]
        if batches is not self._batches or weights != self._weights:
            self._batches, self._weights = batches, weights
            share = self._room // max(1, len(batches))
            self._caches = [BeginningCache(share) for _ in range(len(batches))]
        return self._caches


def run_chain(
    chain: Sequence[Sequence[nn.Module]],
    pictures: Callable[[], Tensor],
    seen: Moments,
    cache: BeginningCache,
) -> Moments:
    """Run a chain of modules on one batch from the longest known beginning on.

    Args:
        chain: stages of modules, each applied to what the last one made; a searched one says
            in ``active`` what it is.
        pictures: gives the first one's input; called only if it is needed.
        seen: what the norms inside see is written here; emptied.
        cache: of this batch.

    Returns:
        the moments of all norms of the path.
    """
    steps = [(module, module is stage[-1]) for stage in chain for module in stage]
    choices = tuple(getattr(module, "active", None) for module, _ in steps)
    depth, (x, moments) = cache.longest(choices)
    x = x if depth else pictures()
    for place in range(depth, len(steps)):
        module, ends_stage = steps[place]
        x = module(x)
        moments = moments | seen
        seen.clear()
        last = place == len(steps) - 1
        cache.keep(choices[: place + 1], Beginning(None if last else x, moments), ends_stage)
    return moments
