"""The fusion in tensors of one picture, as ONNX can run it: the maps of ``models.fusion``.

Masks are pasted anew each time that they are asked for, so none is kept: of a large picture a
hundred would fill the memory.
"""

import math

import numpy as np
import torch
from mmdet.structures import INSTANCE_OFFSET
from torch import Tensor, nn

from mmpanonas.deployment.things import Things
from mmpanonas.models import AutoPanopticFusionHead


class Fusion(nn.Module):
    """From things and stuff labels of a picture to segment ids.

    Args:
        head: whose rules hold.
        mask_thr: a pixel of at least this probability is the thing's.
        whole_pixels: of the mask head, see ``SearchableMaskHead``.
    """

    def __init__(self, head: AutoPanopticFusionHead, mask_thr: float, whole_pixels: bool) -> None:
        super().__init__()
        self.rules, self.void = head.rules, head.num_classes
        self.whole_pixels = whole_pixels
        # Above the threshold, and not on it, is what the released code takes.
        self.mask_thr = float(np.nextafter(np.float32(mask_thr), np.float32(2)))
        if not whole_pixels:
            self.mask_thr = mask_thr

    def forward(self, things: Things, stuff: Tensor) -> tuple[Tensor, Tensor]:
        """Segment ids (H, W) int32, and id, label and area of every segment (S, 3) int64.

        An id is label + 1 + instance number * ``INSTANCE_OFFSET``; 0 is void.

        Args:
            things: with boxes in the pixels of the map.
            stuff: (H, W) int64, stuff labels of the data set or void.
        """
        rules, (height, width) = self.rules, stuff.shape
        masks = nn.functional.pad(things.masks, (1,) * 4) if self.whole_pixels else things.masks
        side, (x1, y1, x2, y2) = things.masks.shape[-1], things.boxes.unbind(1)
        shares = _whole_pixel_shares if self.whole_pixels else _shares
        rows, columns = shares(y1, y2, height, side), shares(x1, x2, width, side)
        paint = torch.jit.script(_paint) if torch.jit.is_tracing() else _paint  # it has loops
        numbers, owners = paint(
            masks,
            rows,
            columns.transpose(1, 2),
            things.labels,
            things.scores,
            self.mask_thr,
            rules.overlap_thr,
            self._limit(rules.thing_area_limit, stuff),
            rules.area_order_score_thr if rules.order == "score" else -1.0,
            rules.overlap_order == "score",
        )
        stuff = self._without_small(stuff, numbers)
        ids = owners[numbers] + 1 + numbers * INSTANCE_OFFSET
        ids = torch.where(numbers > 0, ids, torch.where(stuff == self.void, 0, stuff + 1))
        return ids.int(), self._segments(ids, owners.shape[0])

    def _limit(self, limit: float, stuff: Tensor) -> Tensor:
        """A limit of area in pixels of this picture, float64."""
        if self.rules.area_limits_at is None:
            return torch.tensor(float(limit), dtype=torch.float64)
        area = torch.as_tensor(stuff.shape[0] * stuff.shape[1]).double()
        return area / math.prod(self.rules.area_limits_at) * limit

    def _without_small(self, stuff: Tensor, numbers: Tensor) -> Tensor:
        free = torch.where(numbers > 0, self.void, stuff)
        counts = _counted(free, self.void + 1)
        labels = torch.arange(self.void + 1)
        limit = self._limit(self.rules.stuff_area_limit, stuff)
        return torch.where(counts.double() < limit, self.void, labels)[free]

    def _segments(self, ids: Tensor, things: Tensor | int) -> Tensor:
        counts = _counted(ids, (things + 1) * INSTANCE_OFFSET)
        found = counts[1:].nonzero()[:, 0] + 1
        return torch.stack((found, (found - 1) % INSTANCE_OFFSET, counts[found]), dim=1)


def _counted(values: Tensor, size: int) -> Tensor:
    """How often each of 0 to ``size`` - 1 is there: int64 (size,)."""
    flat = values.reshape(-1)
    return torch.zeros(size, dtype=torch.int64).scatter_add(0, flat, torch.ones_like(flat))


def _shares(low: Tensor, high: Tensor, size: int, side: int) -> Tensor:
    """Share (n, size, side) of a mask's places in each pixel of an axis: bilinear, as pasted.

    Args:
        low, high: (n,) where the boxes begin and end.
        size: pixels of the picture along the axis.
        side: places of the mask.
    """
    low, high = low[:, None], high[:, None]
    pixels = torch.arange(size).to(low.dtype)[None]
    across = (pixels + 0.5 - low) / (high - low) * 2 - 1
    across = torch.where(high > low, across, 0)
    inside = (pixels >= (low.floor() - 1).clamp(min=0)) & (pixels < high.ceil() + 1)
    return _tent(((across + 1) * side - 1) / 2, side) * inside[..., None]


def _whole_pixel_shares(low: Tensor, high: Tensor, size: int, side: int) -> Tensor:
    """As :func:`_shares`, of a mask with a border, in boxes cut to whole pixels."""
    middle, half = (low + high) / 2, (high - low) / 2 * ((side + 2) / side)
    low, high = (middle - half).trunc()[:, None], (middle + half).trunc()[:, None] + 1
    pixels = torch.arange(size).to(low.dtype)[None] - low
    length = (high - low).clamp(min=1)
    places = ((pixels + 0.5) * ((side + 2) / length) - 0.5).clamp(0, side + 1)
    return _tent(places, side + 2) * ((pixels >= 0) & (pixels < length))[..., None]


def _tent(places: Tensor, side: int) -> Tensor:
    """1 at a place, falling to 0 at its neighbours: (..., side)."""
    return (1 - (places[..., None] - torch.arange(side).to(places.dtype)).abs()).clamp(min=0)


def _paint(
    masks: Tensor,
    rows: Tensor,
    columns: Tensor,
    labels: Tensor,
    scores: Tensor,
    mask_thr: float,
    overlap_thr: float,
    area_limit: Tensor,
    sure_from: float,
    best_first: bool,
) -> tuple[Tensor, Tensor]:
    """Instance numbers (H, W) int64, 0 for none, and the label of each number (n + 1,).

    Args:
        masks: (n, m, m) probabilities, best thing first.
        rows, columns: (n, H, m) and (n, m, W) shares of a mask's places in every pixel.
        labels, scores: (n,).
        mask_thr, overlap_thr, area_limit: as of :class:`FusionRules`.
        sure_from: things scoring above it come first, by area, and the rest by score; below 0 all
            come by area.
        best_first: overlap is measured in the order of scores, and not in that of painting.
    """
    things = labels.shape[0]
    places = torch.arange(things)
    areas = torch.zeros_like(labels)
    for i in range(things):
        mask = rows[i] @ masks[i] @ columns[i] >= mask_thr
        areas = torch.where(places == i, mask.sum(), areas)
    sure = scores > sure_from
    last = rows.shape[1] * columns.shape[2] + 1
    # No two are equal: ties go in input order, which a sort may not keep.
    painting = (torch.where(sure, areas, last) * things + places).argsort()
    order = places if best_first else painting

    covered = torch.zeros([rows.shape[1], columns.shape[2]], dtype=torch.bool)
    kept = torch.zeros_like(labels)
    for step in range(things):
        i = order[step]
        mask = rows[i] @ masks[i] @ columns[i] >= mask_thr
        under = (mask & covered).sum()
        share = under.double() / areas[i].clamp(min=1).double()
        stays = (share <= overlap_thr) & (areas[i] > 0)
        covered = covered | (mask & stays)
        large = stays & (areas[i].double() >= area_limit)
        kept = torch.where(places == i, large.to(torch.int64), kept)

    painting = painting[kept[painting] > 0]
    numbers = torch.zeros([rows.shape[1], columns.shape[2]], dtype=torch.int64)
    owners = torch.zeros_like(torch.cat([labels, labels.sum().reshape(1)]))
    places = torch.arange(things + 1)
    count = torch.zeros([], dtype=torch.int64)
    for step in range(painting.shape[0]):
        i = painting[step]
        mask = rows[i] @ masks[i] @ columns[i] >= mask_thr
        visible = mask & (numbers == 0)
        shows = visible.any()
        count = count + shows.to(torch.int64)
        numbers = torch.where(visible, count, numbers)
        owners = torch.where((places == count) & shows, labels[i], owners)
    return numbers, owners
