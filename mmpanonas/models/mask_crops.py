"""Masks of things as crops of a picture: pasted from boxes, or cut out of whole masks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from torch import Tensor


class MaskCrop(NamedTuple):
    """The part of a mask that holds all its pixels.

    Attributes:
        mask: bool, of the window's shape.
        window: slices of the picture's rows and columns.
        size: height and width of the picture.
    """

    mask: np.ndarray
    window: tuple[slice, slice]
    size: tuple[int, int]


def paste_mask(mask: Tensor, box: Tensor, size: tuple[int, int], threshold: float) -> MaskCrop:
    """What MMDetection's mask head writes into the picture, of its box's window alone.

    Args:
        mask: probabilities (m, m).
        box: (4,) x1 y1 x2 y2 in the picture's pixels, clipped to the picture.
        size: height and width of the picture.
        threshold: a pixel of at least this probability is the thing's.
    """
    values, window = _do_paste_mask(mask[None, None], box[None], *size, skip_empty=True)
    rows, columns = (slice(int(side.start), int(side.stop)) for side in window)
    return MaskCrop((values[0] >= threshold).numpy(), (rows, columns), size)


def cut_masks(
    masks: Tensor, boxes: Tensor | None, indices: Sequence[int] | None = None
) -> list[MaskCrop]:
    """Cut whole masks to their boxes and bring them to the CPU in one transfer.

    Args:
        masks: (n, H, W) bool (or 0 / not 0).
        boxes: (n, 4) x1 y1 x2 y2 in pixels; a mask lies within its box grown to whole pixels
            and by one more (where MMDetection's mask head pastes, given a mask threshold of at
            least 0.5). Where a box has no area, and for ``None``, the mask itself is searched.
        indices: which of them, all by default.
    """
    indices = range(len(masks)) if indices is None else indices
    windows = _windows(masks, boxes, indices)
    pieces = [masks[i][window] for i, window in zip(indices, windows, strict=True)]
    pieces = [piece.numpy() for piece in pieces] if masks.device.type == "cpu" else _to_cpu(pieces)
    if masks.dtype != torch.bool:
        pieces = [piece != 0 for piece in pieces]
    size = tuple(masks.shape[1:])
    return [MaskCrop(*pair, size) for pair in zip(pieces, windows, strict=True)]


def whole_masks(crops: Sequence[MaskCrop], size: Sequence[int]) -> Tensor:
    """The masks in pictures of zeros: (n, H, W) bool, on the CPU."""
    masks = np.zeros((len(crops), *size), dtype=bool)
    for whole, crop in zip(masks, crops, strict=True):
        whole[crop.window] = crop.mask
    return torch.from_numpy(masks)


def _to_cpu(pieces: list[Tensor]) -> list[np.ndarray]:
    """Bring tensors of any shape and one type to the CPU in a single transfer."""
    if not pieces:
        return []
    flat = torch.cat([piece.reshape(-1) for piece in pieces]).cpu().numpy()
    parts = np.split(flat, np.cumsum([piece.numel() for piece in pieces])[:-1])
    return [part.reshape(piece.shape) for part, piece in zip(parts, pieces, strict=True)]


def _windows(
    masks: Tensor, boxes: Tensor | None, indices: Sequence[int]
) -> list[tuple[slice, slice]]:
    height, width = masks.shape[1:]
    box_array = None if boxes is None else boxes.detach().double().cpu().numpy()
    windows = []
    for i in indices:
        if box_array is not None:
            x1, y1, x2, y2 = box_array[i]
            if x2 > x1 and y2 > y1 and np.isfinite(box_array[i]).all():
                windows.append((_span(y1, y2, height), _span(x1, x2, width)))
                continue
        rows, columns = (masks[i] != 0).nonzero(as_tuple=True)
        windows.append((_extent(rows), _extent(columns)))
    return windows


def _span(low: float, high: float, size: int) -> slice:
    return slice(int(np.clip(np.floor(low) - 1, 0, size)), int(np.clip(np.ceil(high) + 1, 0, size)))


def _extent(positions: Tensor) -> slice:
    return slice(int(positions.min()), int(positions.max()) + 1) if len(positions) else slice(0, 0)
