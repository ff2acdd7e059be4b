"""The pictures that every candidate of a search is evaluated on, read once."""

from collections.abc import Iterator, Mapping

import numpy as np
from mmengine.registry import DATA_SAMPLERS
from mmengine.runner import Runner
from torch.utils.data import DataLoader, SequentialSampler

from mmpanonas.values import Seed, checked


@DATA_SAMPLERS.register_module()
class OrderedSampler(SequentialSampler):
    """The data set in order, on every rank the whole.

    Args:
        dataset: of the loader.
        seed: not used; MMEngine gives it.
        drawn: draws another order, by which a race shows its pictures; None: the data set's.

    Attributes:
        start, stop: the first picture of that order, and the one after the last; written by who
            wants some of them.
    """

    @checked
    def __init__(self, dataset, seed: Seed | None = None, drawn: Seed | None = None) -> None:
        super().__init__(dataset)
        count = len(dataset)
        self.order = range(count)
        if drawn is not None:
            self.order = np.random.default_rng([drawn, count]).permutation(count).tolist()
        self.start, self.stop = 0, count

    def __iter__(self) -> Iterator[int]:
        return iter(self.order[self.start : self.stop])


class KeptPictures:
    """A loader's batches in order; the first that fit into memory are decoded once only.

    Those that do not fit are read anew each time.

    Args:
        loader: in the same order each time, by :class:`OrderedSampler`.
        memory: MiB of decoded pictures; 0 keeps none.
    """

    def __init__(self, loader: DataLoader, memory: int) -> None:
        self.loader, self.dataset = loader, loader.dataset
        self._room, self._kept = memory * 2**20, []

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[dict]:
        """Batches: ``inputs`` a list of (3, H, W) uint8, and ``data_samples``."""
        return self.part(0, len(self))

    def part(self, start: int, stop: int) -> Iterator[dict]:
        """Batches ``start`` to ``stop``, without the last."""
        kept = self._kept[start:stop]
        first = start + len(kept)
        rest = self._read(first, stop)  # its processes begin while kept ones are evaluated
        for batch in kept:
            yield _with_own_samples(batch)
        for place, batch in enumerate(rest, first):
            self._keep(place, batch)
            yield batch

    def _read(self, start: int, stop: int) -> Iterator[dict]:
        if len(self._kept) == len(self):
            self.stop_reading()
        if start >= stop:
            return iter(())
        sampler, size = self.loader.sampler, self.loader.batch_size
        if isinstance(sampler, OrderedSampler):
            sampler.start, sampler.stop = start * size, min(stop * size, len(sampler.order))
        return iter(self.loader)

    def _keep(self, place: int, batch: dict) -> None:
        size = sum(x.numel() * x.element_size() for x in batch["inputs"])
        if place > len(self._kept):  # the first ones without a gap
            return
        if size > self._room:
            self._room = 0
            return
        self._room -= size
        # A reading process hands its tensors over in shared memory, an open file each.
        own = dict(batch, inputs=[x.clone() for x in batch["inputs"]])
        self._kept.append(_with_own_samples(own))

    def stop_reading(self) -> None:
        """End the reading processes, if there are any; they come back when they are needed.

        Persistent ones do not come back by themselves when one of them has died.
        """
        self.loader._iterator = None


def _with_own_samples(batch: dict) -> dict:
    """The same pictures, and samples that predictions can be written into."""
    return dict(batch, data_samples=[sample.new() for sample in batch["data_samples"]])


def in_order(runner: Runner, dataloader: dict, loop: Mapping) -> DataLoader:
    """The loader of nas_val as every candidate sees it; a race draws the order, one at a time."""
    sampler = dict(type="OrderedSampler")
    changes = dict(sampler=sampler)
    if loop.get("race"):
        sampler["drawn"] = loop.get("seed", 0)
        changes["batch_size"] = 1
    return runner.build_dataloader(dict(dataloader, **changes), seed=runner.seed)
