"""The counts of a candidate's pictures as arrays, and what follows from some of them.

PQ is no mean over pictures: its spread comes from the jackknife (Tukey 1958), which leaves out one
picture after the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

#: Of an interval of 95 %, in standard errors.
WIDTH = 1.96


@dataclass(frozen=True)
class PictureCounts:
    """Counts by picture and class; a search's pictures come in one order.

    Attributes:
        iou: (pictures, classes), sums of the IoUs of true positives.
        weight: (pictures, classes), true positives and half of the false ones and of the misses.
    """

    iou: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(
        cls, pictures: Sequence[Mapping[int, Sequence[float]]], classes: range
    ) -> "PictureCounts":
        """Of pictures that hold, by label, true and false positives, misses and sum of IoUs."""
        iou = np.zeros((len(pictures), len(classes)))
        weight = np.zeros_like(iou)
        for place, counts in enumerate(pictures):
            for label, (hit, false, missed, total) in counts.items():
                if label in classes:
                    iou[place, label - classes.start] = total
                    weight[place, label - classes.start] = hit + (false + missed) / 2
        return cls(iou, weight)

    def __len__(self) -> int:
        return len(self.iou)

    def first(self, count: int) -> "PictureCounts":
        """Of the first pictures alone."""
        return PictureCounts(self.iou[:count], self.weight[:count])

    @property
    def quality(self) -> float:
        """PQ in percent, over all pictures here."""
        return float(_mean_quality(self.iou.sum(0), self.weight.sum(0)))

    @property
    def left_out(self) -> np.ndarray:
        """PQ in percent without each picture: (pictures,)."""
        iou, weight = self.iou.sum(0) - self.iou, self.weight.sum(0) - self.weight
        return _mean_quality(iou, weight)

    def interval(self, total: int) -> tuple[float, float]:
        """About 95 % for PQ over all ``total`` pictures, of which these are drawn."""
        margin = WIDTH * standard_error(self.left_out, total)
        return self.quality - margin, self.quality + margin


def _mean_quality(iou: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mean over the classes (last dimension) that count; 0 over none."""
    counts = weight > 0
    own = np.divide(iou, weight, out=np.zeros_like(iou), where=counts)
    return 100 * own.sum(-1) / np.maximum(counts.sum(-1), 1)


def standard_error(left_out: np.ndarray, total: int) -> float:
    """Of a statistic of n pictures that are drawn from ``total``, by its n values without one.

    None is left to chance once all are seen.
    """
    n = len(left_out)
    if n < 2:
        return float("inf") if n < total else 0.0
    spread = ((left_out - left_out.mean()) ** 2).sum() * (n - 1) / n
    return float(np.sqrt(spread * (1 - n / total)))
