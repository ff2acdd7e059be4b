"""Panoptic fusion: instance masks and semantic logits become one panoptic map.

Source: Auto-Panoptic (NeurIPS 2020), supplement, post-processing; SPEC section 6. The preset
``released`` follows what the paper's program does, derived from the arrays in
``shared/reference`` (SPEC section 12 holds the differences).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from mmdet.models.seg_heads.panoptic_fusion_heads.base_panoptic_fusion_head import (
    BasePanopticFusionHead,
)
from mmdet.registry import MODELS
from mmdet.structures import INSTANCE_OFFSET
from mmengine.structures import InstanceData, PixelData
from torch import Tensor


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
                raise ValueError(f"fusion {key}={getattr(self, key)!r}; expected one of {allowed}")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type != "str" and not (isinstance(value, int | float) and value >= 0):
                raise ValueError(f"fusion {field.name}={value!r}; expected a number >= 0")

    @classmethod
    def from_config(cls, preset: str, overrides: dict | None = None) -> FusionRules:
        """The named preset with the given fields replaced.

        Raises:
            ValueError: unknown preset, unknown key or illegal value.
        """
        if preset not in PRESETS:
            raise ValueError(f"unknown fusion preset {preset!r}; known: {sorted(PRESETS)}")
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(overrides or ()) - set(known))
        if unknown:
            raise ValueError(
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
        raise ValueError(
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


def best_channel(logits: Tensor) -> Tensor:
    """Index of the largest channel of (C, H, W) logits, the first one in a tie: (H, W) int32.

    On the CPU a running maximum over the channels is a tenth of the time of torch's argmax,
    which walks across memory pixel by pixel.
    """
    if logits.device.type != "cpu":
        return logits.argmax(dim=0).int()
    channels = logits.detach().float().numpy()
    index = np.zeros(channels.shape[1:], np.min_scalar_type(len(channels) - 1))
    rows = max(1, 2**17 // max(1, channels.shape[2]))  # bands that stay in the cache
    for start in range(0, len(index), rows):
        band, winner = channels[:, start : start + rows], index[start : start + rows]
        best = band[0].copy()
        for number, channel in enumerate(band[1:], 1):
            # numbers ascend, so the largest number that beat all before it is the answer
            np.maximum(winner, (channel > best) * winner.dtype.type(number), out=winner)
            np.maximum(best, channel, out=best)
    return torch.from_numpy(index.astype(np.int32))


@MODELS.register_module()
class AutoPanopticFusionHead(BasePanopticFusionHead):
    """Auto-Panoptic's fusion (SPEC section 6) behind MMDetection's fusion head interface.

    Presets, and what tells them apart:

    - ``paper``: things below 0.5 dropped; overlap (over 0.5) measured going down by score;
      things under 64 x 64 pixels dropped; painted smallest first.
    - ``released``: the same score and overlap limits and the same stuff limit, no limit on a
      thing's area; painted best score first, save that those above 0.725 go smallest first
      and before all others; overlap measured in painting order.

    Args:
        num_things_classes: thing labels are 0 to this, exclusive.
        num_stuff_classes: stuff labels follow them.
        preset: a key of ``PRESETS``.
        test_cfg: fields of :class:`FusionRules` that replace the preset's;
            MMDetection passes ``model.test_cfg.panoptic``.
        init_cfg: unused, as the head has no weights.

    Raises:
        ValueError: unknown preset, unknown or illegal rule, too many classes for the id format.
    """

    def __init__(
        self,
        num_things_classes: int = 80,
        num_stuff_classes: int = 53,
        preset: str = "paper",
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            num_things_classes=num_things_classes,
            num_stuff_classes=num_stuff_classes,
            test_cfg=test_cfg,
            init_cfg=init_cfg,
        )
        if self.num_classes >= INSTANCE_OFFSET:
            raise ValueError(f"{self.num_classes} classes; panoptic ids hold {INSTANCE_OFFSET - 1}")
        self.rules = FusionRules.from_config(preset, test_cfg)

    def loss(self, **kwargs) -> dict:
        """No loss: the head has nothing to learn."""
        return {}

    def predict(
        self, mask_results_list: list[InstanceData], seg_preds_list: list[Tensor], **kwargs
    ) -> list[PixelData]:
        """Fuse the predictions of each picture.

        Args:
            mask_results_list: per picture ``labels`` (n,), ``scores`` (n,), ``masks``
                (n, H, W) at the original size and, if there, ``bboxes`` (n, 4).
            seg_preds_list: per picture (num_stuff_classes + 1, H, W) logits, the last
                channel for "some thing".

        Returns:
            per picture ``PixelData(sem_seg=(1, H, W) int32)``: stuff label (num_things_classes
            + channel), thing label + instance number * ``INSTANCE_OFFSET``, or
            num_things_classes + num_stuff_classes for void.
        """
        return [
            PixelData(sem_seg=self._predict_single(results, logits)[None])
            for results, logits in zip(mask_results_list, seg_preds_list, strict=True)
        ]

    def _predict_single(self, results: InstanceData, logits: Tensor) -> Tensor:
        if logits.ndim != 3 or len(logits) != self.num_stuff_classes + 1:
            raise ValueError(
                f"semantic logits have shape {tuple(logits.shape)}; expected "
                f"({self.num_stuff_classes} + 1, H, W): stuff classes and 'some thing'"
            )
        # void is the label after the last stuff class, which the last channel lands on
        stuff_map = best_channel(logits) + self.num_things_classes
        return fuse(
            results.masks,
            results.get("bboxes"),
            results.labels,
            results.scores,
            stuff_map,
            self.rules,
            self.num_classes,
        )
