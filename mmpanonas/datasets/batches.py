"""Which pictures share a batch: a picture is padded to the largest of its batch."""

import copy
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Protocol

from mmengine.dataset import InfiniteSampler
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import BatchSampler, Sampler

from mmpanonas.errors import InputError


class Sized(Protocol):
    """A data set of MMEngine's kind."""

    def __len__(self) -> int: ...

    def get_data_info(self, idx: int) -> dict:
        """What is known of a picture before it is read."""


def picture_size(dataset: Sized, index: int) -> tuple[int, int]:
    """Height and width of a picture as its data set states them, unread.

    Raises:
        InputError: it does not.
    """
    info = dataset.get_data_info(index)
    try:
        return info["height"], info["width"]
    except KeyError:
        raise InputError(
            f"{type(dataset).__name__} does not state the height and width of picture {index}, by "
            f"which pictures are put into batches; add them to what its load_data_list gives"
        ) from None


def is_portrait(size: tuple[int, int]) -> bool:
    """Whether a picture of this height and width is higher than wide."""
    height, width = size
    return height > width


def cut_by_shape(dataset: Sized, indices: Sequence[int], batch_size: int) -> list[list[int]]:
    """Cut some pictures into batches of one orientation and of like shapes, against padding.

    They are ordered by longer / shorter side, of which, for one orientation, the shape that a
    ``Resize`` with ``keep_ratio`` gives is a function; of the longest, which are unlike the others
    and each other, a batch may be short. The order of the batches tells nothing about shapes.
    """
    sizes = {index: picture_size(dataset, index) for index in indices}
    ordered = sorted(indices, key=lambda i: (max(sizes[i]) / min(sizes[i]), sizes[i]))
    cuts = []
    for portrait in (False, True):
        group = [i for i in ordered if is_portrait(sizes[i]) == portrait]
        cuts += [sorted(group[i : i + batch_size]) for i in range(0, len(group), batch_size)]
    return sorted(cuts)


@DATA_SAMPLERS.register_module()
def InfiniteGroupBatchSampler(sampler: Sampler, batch_size: int) -> BatchSampler:  # noqa: N802
    """Batches of one orientation, without end.

    What MMDetection's ``AspectRatioBatchSampler`` does, for trainings that count iterations.

    It is PyTorch's own ``BatchSampler``, over :class:`GroupedIndices`, so that MMEngine resumes at
    an iteration without reading the pictures before it.

    Args:
        sampler: an ``InfiniteSampler``, which gives data set, seed and order.
        batch_size: of each rank, from ``train_dataloader.batch_size``.

    Raises:
        InputError: the sampler is another one, or the data set does not state sizes.
    """
    if not isinstance(sampler, InfiniteSampler):
        raise InputError(
            f"batch_sampler InfiniteGroupBatchSampler takes the order of an InfiniteSampler, got "
            f"{type(sampler).__name__}: set sampler.type='InfiniteSampler', or batch_sampler=None"
        )
    return BatchSampler(GroupedIndices(sampler, batch_size), batch_size, drop_last=False)


class GroupedIndices(Sampler):
    """Indices without end, of which every ``batch_size`` in a row are of one orientation.

    The pictures come as from the ``InfiniteSampler`` of a single rank, epoch after epoch; when
    ``batch_size`` of an orientation have come they are a batch. The ranks take turns, so the
    batches of all are the same for any number of them. What an epoch leaves over begins the next
    one's first batches: of each orientation every picture comes once an epoch.

    Args:
        sampler: its data set, seed, order, rank and number of ranks.
        batch_size: of each rank.
    """

    def __init__(self, sampler: InfiniteSampler, batch_size: int) -> None:
        self.dataset, self.batch_size, self._start = sampler.dataset, batch_size, 0
        self._turn, self._ranks = sampler.rank, sampler.world_size
        self._order = copy.copy(sampler)
        self._order.rank, self._order.world_size = 0, 1
        self._portrait: dict[int, bool] = {}
        if len(self.dataset):
            picture_size(self.dataset, 0)

    def __iter__(self) -> Iterator[int]:
        """This rank's indices from where :meth:`skip` says."""
        mine = islice(self._batches(), self._turn, None, self._ranks)
        return islice(chain.from_iterable(mine), self._start, None)

    def _batches(self) -> Iterator[list[int]]:
        """Those of all ranks."""
        self._order.skip(0)
        groups: dict[bool, list[int]] = {False: [], True: []}
        for index in self._order:
            if index not in self._portrait:
                self._portrait[index] = is_portrait(picture_size(self.dataset, index))
            group = groups[self._portrait[index]]
            group.append(index)
            if len(group) == self.batch_size:
                yield group.copy()
                group.clear()

    def skip(self, num_samples: int) -> None:
        """Begin after this rank's first ``num_samples`` indices; MMEngine calls it to resume."""
        self._start = num_samples

    def __len__(self) -> int:
        return len(self.dataset)
