"""The pictures that every candidate of a search is evaluated on, read once."""

from collections.abc import Iterator

from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import DataLoader, SequentialSampler

from mmpanonas.values import Seed, checked


@DATA_SAMPLERS.register_module()
class OrderedSampler(SequentialSampler):
    """The data set in order, on every rank the whole.

    Attributes:
        start: the first picture; written by who has those before it.
    """

    @checked
    def __init__(self, dataset, seed: Seed | None = None) -> None:
        super().__init__(dataset)
        self.start = 0

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, len(self.data_source)))


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
        kept = list(self._kept)
        rest = self._read(len(kept))  # its processes begin while kept ones are evaluated
        for batch in kept:
            yield _with_own_samples(batch)
        for place, batch in enumerate(rest, len(kept)):
            self._keep(place, batch)
            yield batch

    def _read(self, start: int) -> Iterator[dict]:
        if start == len(self):
            self.stop_reading()
            return iter(())
        if start:
            self.loader.sampler.start = start * self.loader.batch_size
        return iter(self.loader)

    def _keep(self, place: int, batch: dict) -> None:
        size = sum(x.numel() * x.element_size() for x in batch["inputs"])
        if place != len(self._kept) or size > self._room:
            self._room = 0  # the first ones without a gap
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
