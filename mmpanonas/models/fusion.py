"""Panoptic fusion: instance masks and a stuff map become one panoptic map.

Source: Auto-Panoptic (NeurIPS 2020), supplement, post-processing. The preset ``released``
follows what the paper's program does (docs/deviations.md holds the differences).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap
from operator import attrgetter
from typing import Literal

import numpy as np
import torch
from mmdet.structures import INSTANCE_OFFSET
from torch import Tensor

from mmpanonas.errors import InputError
from mmpanonas.models.mask_crops import MaskCrop, cut_masks
from mmpanonas.values import NotNegative, Probability, Size, check_fields


@dataclass(frozen=True)
class FusionRules:
    """The numbers and orders of the fusion. Every field is a key of the config.

    Args:
        score_thr: things scoring below are dropped (``score < score_thr``).
        overlap_thr: a thing is dropped when more than this share of its own mask is covered
            by the things kept before it (``covered / area > overlap_thr``).
        thing_area_limit: things whose mask has fewer pixels are dropped, after the overlap
            rule: what they cover still counts there.
        stuff_area_limit: a stuff class with fewer pixels left free by the things is void.
        area_limits_at: height and width of the picture that both limits are meant for: in a
            picture of k times its pixels they are k times as large. None: the same in any picture.
        order: painting order. ``area``: smallest first. ``score``: best first, save that
            things which all score above ``area_order_score_thr`` go smallest first among
            themselves (1.0: never).
        area_order_score_thr: see ``order``; unused when ``order`` is ``area``.
        overlap_order: the order in which overlap is measured, best ``score`` first or the
            ``painting`` order.
    """

    score_thr: Probability = 0.5
    overlap_thr: Probability = 0.5
    thing_area_limit: NotNegative = 64 * 64
    stuff_area_limit: NotNegative = 64 * 64
    area_limits_at: Size | None = None
    order: Literal["area", "score"] = "area"
    area_order_score_thr: Probability = 1.0
    overlap_order: Literal["score", "painting"] = "score"

    def __post_init__(self) -> None:
        check_fields(self)

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

    def for_picture(self, size: tuple[int, int]) -> FusionRules:
        """The same rules with limits of area in pixels of a picture of ``size`` (H, W)."""
        if self.area_limits_at is None:
            return self
        share = math.prod(size) / math.prod(self.area_limits_at)
        limits = {key: getattr(self, key) * share for key in _AREA_LIMITS}
        return dataclasses.replace(self, area_limits_at=None, **limits)

    def passing(self, scores: Tensor) -> Tensor:
        """Which of the scores (n,) reach ``score_thr``, in float32: (n,) bool."""
        return scores.float() >= self.score_thr


_AREA_LIMITS = ("thing_area_limit", "stuff_area_limit")

PRESETS = {
    "paper": FusionRules(),
    "released": FusionRules(
        thing_area_limit=0, order="score", area_order_score_thr=0.725, overlap_order="painting"
    ),
}


def fuse(
    masks: Tensor | Sequence[MaskCrop],
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
    Scores are compared with their limits in float32. It runs on the CPU, and nothing goes back to
    a device.

    Args:
        masks: n crops, or whole masks (n, H, W).
        boxes: (n, 4) in which whole masks lie, or None; see :func:`cut_masks`.
        labels: (n,) thing labels, from 0.
        scores: (n,).
        stuff_map: (H, W) panoptic stuff labels, ``void`` where there is none.
        rules: see :class:`FusionRules`.
        void: label of unlabelled pixels.

    Returns:
        (H, W) int32 on the CPU: a stuff label, ``void``, or thing label +
        instance number * ``INSTANCE_OFFSET``.
    """
    panoptic = np.array(stuff_map.cpu().numpy(), dtype=np.int32)
    rules = rules.for_picture(panoptic.shape)
    labels, scores = labels.cpu(), scores.cpu()
    indices = rules.passing(scores).nonzero()[:, 0].tolist()
    if isinstance(masks, Tensor):
        crops = cut_masks(masks, boxes, indices)
    else:
        crops = [masks[i] for i in indices]
    _check_size(crops, panoptic.shape)
    _paint(panoptic, _things(crops, labels[indices], scores[indices]), rules)
    _drop_small_stuff(panoptic, rules.stuff_area_limit, void)
    return torch.from_numpy(panoptic)


def _check_size(crops: Sequence[MaskCrop], size: tuple[int, int]) -> None:
    for crop in crops:
        if crop.size != size:
            raise InputError(
                f"masks are {crop.size} and the stuff map is {size}: both must have "
                "the picture's original size"
            )


@dataclass(eq=False, frozen=True)
class _Thing:
    """A mask with its area in pixels, label and score."""

    crop: MaskCrop
    area: int
    label: int
    score: float


def _things(crops: Sequence[MaskCrop], labels: Tensor, scores: Tensor) -> list[_Thing]:
    """Those with a pixel, in input order."""
    areas = [int(np.count_nonzero(crop.mask)) for crop in crops]
    columns = zip(crops, areas, labels.tolist(), scores.float().tolist(), strict=True)
    return [thing for thing in starmap(_Thing, columns) if thing.area]


def _paint(panoptic: np.ndarray, things: list[_Thing], rules: FusionRules) -> None:
    """Apply the overlap and area rules to the things and paint the rest in place."""
    painting = _painting_order(things, rules)
    covered = np.zeros(panoptic.shape, dtype=bool)
    kept = set()
    for thing in painting if rules.overlap_order == "painting" else _by_score(things):
        mask, under = thing.crop.mask, covered[thing.crop.window]
        if np.count_nonzero(mask & under) / thing.area > rules.overlap_thr:
            continue
        under |= mask
        if thing.area >= rules.thing_area_limit:
            kept.add(thing)

    painted, number = np.zeros_like(covered), 0
    for thing in painting:
        if thing not in kept:
            continue
        mask, window = thing.crop.mask, thing.crop.window
        visible = mask > painted[window]
        if visible.any():
            number += 1
            np.copyto(panoptic[window], thing.label + number * INSTANCE_OFFSET, where=visible)
            painted[window] |= mask


def _painting_order(things: list[_Thing], rules: FusionRules) -> list[_Thing]:
    if rules.order == "area":
        return _by_area(things)
    threshold = np.float32(rules.area_order_score_thr)
    sure = [thing for thing in things if thing.score > threshold]
    rest = [thing for thing in things if not thing.score > threshold]
    return _by_area(sure) + _by_score(rest)


def _by_area(things: list[_Thing]) -> list[_Thing]:
    return sorted(things, key=attrgetter("area"))  # stable


def _by_score(things: list[_Thing]) -> list[_Thing]:
    return sorted(things, key=lambda thing: -thing.score)


def _drop_small_stuff(panoptic: np.ndarray, limit: float, void: int) -> None:
    """Turn stuff labels with fewer than ``limit`` pixels into void, in place."""
    # NumPy's bincount would hold a copy of 8 bytes a pixel.
    counts = torch.from_numpy(panoptic).view(-1).bincount(minlength=INSTANCE_OFFSET).numpy()
    found = counts[:INSTANCE_OFFSET]
    small = np.flatnonzero((found > 0) & (found < limit))
    if len(small):
        lut = np.arange(len(counts), dtype=np.int32)
        lut[small] = void
        np.take(lut, panoptic, out=panoptic, mode="clip")  # without a buffer
