"""Which pictures share a batch: a picture is padded to the largest of its batch."""

from collections.abc import Sequence
from typing import Protocol

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
