"""Runs of equal values in maps of segments.

Neighbouring pixels are mostly of one segment, so a picture has a hundredth as many runs as pixels;
what is looked up, counted or written once per run costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np


@dataclass(frozen=True)
class Runs:
    """Maps of one shape cut, row after row, where one of them changes; a run may pass a row's end.

    Args:
        shape: (H, W), at least one pixel.
        starts: int (R,), ascending from 0: the flat index at which each run begins.
        lengths: int (R,), pixels of each run.
    """

    shape: tuple[int, ...]
    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, *maps: np.ndarray) -> Runs:
        """Cut maps (H, W) into runs in which all of them are constant."""
        flats = [each.ravel() for each in maps]
        changes = reduce(np.logical_or, (flat[1:] != flat[:-1] for flat in flats))
        bounds = np.concatenate(([0], np.flatnonzero(changes) + 1, [maps[0].size]))
        return cls(maps[0].shape, bounds[:-1], np.diff(bounds))

    def values(self, each: np.ndarray) -> np.ndarray:
        """The value (R,) of each run in one of the maps that were cut."""
        return each.ravel()[self.starts]

    def paint(self, values: np.ndarray) -> np.ndarray:
        """The map (H, W) of one value (R,) per run."""
        return np.repeat(values, self.lengths).reshape(self.shape)

    def pixels(self, values: np.ndarray) -> dict[int, int]:
        """Pixels per distinct value, ascending, of the map that integers (R,) would paint."""
        distinct, place = np.unique(values, return_inverse=True)
        sums = np.bincount(place, weights=self.lengths).astype(np.int64)
        return dict(zip(distinct.tolist(), sums.tolist(), strict=True))
