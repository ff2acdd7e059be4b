"""Panoptic fusion: instance masks and a stuff map become one panoptic map (SPEC section 6).

Source: Auto-Panoptic (NeurIPS 2020), supplement, post-processing. The preset ``released``
follows what the paper's program does, derived from the arrays in ``shared/reference`` (SPEC
section 12 holds the differences).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from mmdet.structures import INSTANCE_OFFSET
from torch import Tensor

from mmpanonas.errors import InputError


@dataclass(frozen=True)
class FusionRules:
    """The numbers and orders of SPEC section 6. Every field is a key of the config.

    Args:
        score_thr: things scoring below are dropped (``score < score_thr``).
        overlap_thr: a thing is dropped when more than this share of its own mask is covered
            by the things kept before it (``covered / area > overlap_thr``).
        thing_area_limit: things whose mask has fewer pixels are dropped, after the overlap
            rule: what they cover still counts there.
        stuff_area_limit: a stuff class with fewer pixels left free by the things is void.
        order: painting order. ``area``: smallest first. ``score``: best first, save that
            things which all score above ``area_order_score_thr`` go smallest first among
            themselves (1.0: never).
        area_order_score_thr: see ``order``; unused when ``order`` is ``area``.
        overlap_order: the order in which overlap is measured, best ``score`` first or the
            ``painting`` order.
    """

    score_thr: float = 0.5
    overlap_thr: float = 0.5
    thing_area_limit: int = 64 * 64
    stuff_area_limit: int = 64 * 64
    order: str = "area"
    area_order_score_thr: float = 1.0
    overlap_order: str = "score"

    def __post_init__(self) -> None:
        for key, allowed in (
            ("order", ("area", "score")),
            ("overlap_order", ("score", "painting")),
        ):
            if getattr(self, key) not in allowed:
                raise InputError(f"fusion {key}={getattr(self, key)!r}; expected one of {allowed}")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type != "str" and not (isinstance(value, int | float) and value >= 0):
                raise InputError(f"fusion {field.name}={value!r}; expected a number >= 0")

    @classmethod
    def from_config(cls, preset: str, overrides: dict | None = None) -> FusionRules:
        """The named preset with the given fields replaced.

        Raises:
            InputError: unknown preset, unknown key or illegal value.
        """
        if preset not in PRESETS:
            raise InputError(f"unknown fusion preset {preset!r}; known: {sorted(PRESETS)}")
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(overrides or ()) - set(known))
        if unknown:
            raise InputError(
                f"unknown keys {unknown} for AutoPanopticFusionHead (model.test_cfg.panoptic); "
                f"known: {known}"
            )
        return dataclasses.replace(PRESETS[preset], **(overrides or {}))


PRESETS = {
    "paper": FusionRules(),
    "released": FusionRules(
        thing_area_limit=0, order="score", area_order_score_thr=0.725, overlap_order="painting"
    ),
}


def fuse(
    masks: Tensor,
    boxes: Tensor | None,
    labels: Tensor,
    scores: Tensor,
    stuff_map: Tensor,
    rules: FusionRules,
    void: int,
) -> Tensor:
    """Fuse the instances and the stuff map of one picture.

    A thing's mask is kept whole or dropped whole; of a kept one the pixels that nothing
    painted earlier holds are painted. Ties in score or area go in input order. A thing
    without a pixel is dropped; one that is kept but ends wholly hidden gets no instance
    number, so the numbers in the map are 1, 2, ... without gaps, in painting order.
    Scores are compared with their limits in float32.

    Args:
        masks: (n, H, W) bool (or 0 / not 0), at the picture's size.
        boxes: (n, 4) x1 y1 x2 y2 in pixels; a mask lies within its box grown to whole
            pixels and by one more (where MMDetection's mask head pastes, given a mask
            threshold of at least 0.5). Where a box has no area, and for ``None``, the mask
            itself is searched.
        labels: (n,) thing labels, from 0.
        scores: (n,).
        stuff_map: (H, W) panoptic stuff labels, ``void`` where there is none.
        rules: see :class:`FusionRules`.
        void: label of unlabelled pixels.

    Returns:
        (H, W) int32 on the device of ``stuff_map``: a stuff label, ``void``, or thing label +
        instance number * ``INSTANCE_OFFSET``.
    """
    shape = tuple(stuff_map.shape)
    if len(masks) and tuple(masks.shape[1:]) != shape:
        raise InputError(
            f"masks are {tuple(masks.shape[1:])} and the stuff map is {shape}: both must have "
            "the picture's original size"
        )
    panoptic = np.array(stuff_map.cpu().numpy(), dtype=np.int32)
    scores = scores.detach().float().cpu().numpy()
    candidates = np.flatnonzero(scores >= np.float32(rules.score_thr))
    if len(candidates):
        crops = _crop(masks, boxes, candidates)
        _paint(panoptic, crops, labels.cpu().numpy(), scores, rules)
    _drop_small_stuff(panoptic, rules.stuff_area_limit, void)
    return torch.from_numpy(panoptic).to(stuff_map.device)


def _crop(masks: Tensor, boxes: Tensor | None, indices: np.ndarray) -> dict[int, tuple]:
    """Cut the given masks to their boxes and bring them to the CPU in one transfer.

    Returns:
        per index, in the given order: (window, (h, w) bool array, area in pixels); masks
        without a pixel are left out.
    """
    windows = _windows(masks, boxes, indices)
    if masks.device.type == "cpu":
        array = masks.numpy()
        pieces = [array[i][windows[i]] for i in indices]
    else:
        pieces = _to_cpu([masks[i][windows[i]] for i in indices.tolist()])
    if masks.dtype != torch.bool:
        pieces = [piece != 0 for piece in pieces]
    crops = {
        int(i): (windows[i], piece, int(np.count_nonzero(piece)))
        for i, piece in zip(indices, pieces, strict=True)
    }
    return {i: crop for i, crop in crops.items() if crop[2]}


def _to_cpu(pieces: list[Tensor]) -> list[np.ndarray]:
    """Bring tensors of any shape and one type to the CPU in a single transfer."""
    flat = torch.cat([piece.reshape(-1) for piece in pieces]).cpu().numpy()
    parts = np.split(flat, np.cumsum([piece.numel() for piece in pieces])[:-1])
    return [part.reshape(piece.shape) for part, piece in zip(parts, pieces, strict=True)]


def _windows(masks: Tensor, boxes: Tensor | None, indices: np.ndarray) -> dict[int, tuple]:
    """Per index the (rows, columns) slices that hold its mask."""
    height, width = masks.shape[1:]
    box_array = None if boxes is None else boxes.detach().double().cpu().numpy()
    windows = {}
    for i in indices.tolist():
        if box_array is not None:
            x1, y1, x2, y2 = box_array[i]
            if x2 > x1 and y2 > y1 and np.isfinite(box_array[i]).all():
                windows[i] = (_span(y1, y2, height), _span(x1, x2, width))
                continue
        rows, columns = (masks[i] != 0).nonzero(as_tuple=True)
        windows[i] = (_extent(rows), _extent(columns))
    return windows


def _span(low: float, high: float, size: int) -> slice:
    return slice(int(np.clip(np.floor(low) - 1, 0, size)), int(np.clip(np.ceil(high) + 1, 0, size)))


def _extent(positions: Tensor) -> slice:
    return slice(int(positions.min()), int(positions.max()) + 1) if len(positions) else slice(0, 0)


def _paint(
    panoptic: np.ndarray,
    crops: dict[int, tuple],
    labels: np.ndarray,
    scores: np.ndarray,
    rules: FusionRules,
) -> None:
    """Apply the overlap and area rules to the cut masks and paint the rest in place."""
    by_score = sorted(crops, key=lambda i: -scores[i])  # stable, crops are in input order
    painting = _painting_order(crops, scores, rules)
    covered = np.zeros(panoptic.shape, dtype=bool)
    kept = set()
    for i in by_score if rules.overlap_order == "score" else painting:
        window, mask, area = crops[i]
        under = covered[window]
        if np.count_nonzero(mask & under) / area > rules.overlap_thr:
            continue
        under |= mask
        if area >= rules.thing_area_limit:
            kept.add(i)

    free = np.ones(panoptic.shape, dtype=bool)
    number = 0
    for i in painting:
        if i not in kept:
            continue
        window, mask, _ = crops[i]
        visible = mask & free[window]
        if visible.any():
            number += 1
            np.copyto(panoptic[window], labels[i] + number * INSTANCE_OFFSET, where=visible)
            free[window] ^= visible


def _painting_order(crops: dict[int, tuple], scores: np.ndarray, rules: FusionRules) -> list[int]:
    def by_area(i: int) -> int:
        return crops[i][2]

    if rules.order == "area":
        return sorted(crops, key=by_area)
    threshold = np.float32(rules.area_order_score_thr)
    sure = [i for i in crops if scores[i] > threshold]
    rest = [i for i in crops if not scores[i] > threshold]
    return sorted(sure, key=by_area) + sorted(rest, key=lambda i: -scores[i])


def _drop_small_stuff(panoptic: np.ndarray, limit: float, void: int) -> None:
    """Turn stuff labels with fewer than ``limit`` pixels into void, in place."""
    counts = np.bincount(panoptic.ravel(), minlength=INSTANCE_OFFSET)[:INSTANCE_OFFSET]
    small = np.flatnonzero((counts > 0) & (counts < limit))
    if len(small):
        lut = np.arange(panoptic.max() + 1, dtype=np.int32)
        lut[small] = void
        np.take(lut, panoptic, out=panoptic)
