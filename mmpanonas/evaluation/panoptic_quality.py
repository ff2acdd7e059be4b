"""Panoptic quality, computed from arrays in memory.

Source: Kirillov et al., Panoptic Segmentation (CVPR 2019); numbers equal panopticapi's. The
matching is vernier's (strict parity); the sums over pictures are ours, since they must not
depend on how the pictures were spread over ranks.
"""

from __future__ import annotations

import json

import numpy as np
import vernier.panoptic

Counts = tuple[int, int, int, float]
"""True positives, false positives, misses, sum of IoUs over the true positives."""


def segment_areas(ids: np.ndarray) -> dict[int, int]:
    """Pixels per id of an integer map, ids ascending; counts runs, as maps are mostly flat."""
    flat = ids.ravel()
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    values, inverse = np.unique(flat[starts], return_inverse=True)
    lengths = np.diff(starts, append=len(flat))
    areas = np.bincount(inverse, weights=lengths, minlength=len(values)).astype(np.int64)
    return dict(zip(values.tolist(), areas.tolist(), strict=True))


def picture_counts(
    truth: np.ndarray,
    segments: list[dict],
    ids: np.ndarray,
    predicted: dict[int, int],
    num_classes: int,
) -> dict[int, Counts]:
    """Match one picture.

    Args:
        truth, ids: (H, W) annotated and predicted segment ids, 0 for void.
        segments: annotated segments: id, category_id (label), iscrowd, area in pixels.
        predicted: label of each predicted segment id.
        num_classes: number of labels.

    Returns:
        per label that counts: true positives, false positives, misses, sum of IoUs.
    """
    # panopticapi knows one crowd region per class, the last listed; the others never count.
    crowds = {s["category_id"]: s["id"] for s in segments if s["iscrowd"]}
    segments = [s for s in segments if not s["iscrowd"] or crowds[s["category_id"]] == s["id"]]
    found = [{"id": i, "category_id": label} for i, label in predicted.items()]
    # Strict parity refuses a data set in which nothing counts (panopticapi divides by zero);
    # a second picture of one matched pixel, of a class of its own, keeps the first apart.
    extra = [{"id": 1, "category_id": num_classes, "iscrowd": 0, "area": 1}]
    pixel = np.ones((1, 1), np.uint32)
    categories = [{"id": i, "name": str(i), "isthing": 0} for i in range(num_classes + 1)]
    summary = vernier.panoptic.Evaluator(parity_mode="strict", things_stuff_split=False).evaluate(
        vernier.panoptic.Dataset.from_arrays(
            {0: truth.astype(np.uint32), 1: pixel},
            json.dumps({0: segments, 1: extra}).encode(),
            json.dumps(categories).encode(),
        ),
        vernier.panoptic.Predictions.from_arrays(
            {0: ids.astype(np.uint32), 1: pixel}, json.dumps({0: found, 1: extra}).encode()
        ),
        num_threads=1,
    )
    counts = {
        label: (stats.n_tp, stats.n_fp, stats.n_fn, stats.iou_sum)
        for label, stats in summary.per_class().items()
        if label < num_classes
    }
    return {label: count for label, count in counts.items() if any(count[:3])}


def quality(n_tp: int, n_fp: int, n_fn: int, iou_sum: float) -> dict[str, float]:
    """PQ, SQ and RQ of one class as fractions of one; 0 where there is nothing to divide by."""
    weight = n_tp + 0.5 * n_fp + 0.5 * n_fn
    return {
        "PQ": iou_sum / weight if weight else 0.0,
        "SQ": iou_sum / n_tp if n_tp else 0.0,
        "RQ": n_tp / weight if weight else 0.0,
    }


def mean_quality(totals: list[Counts]) -> tuple[dict[str, float], int]:
    """Mean PQ, SQ and RQ in percent over the classes that count, and their number."""
    present = [quality(*total) for total in totals if any(total[:3])]
    values = {}
    for key in ("PQ", "SQ", "RQ"):
        mean = 0.0
        for row in present:  # not sum(), which rounds differently from Python 3.12 on
            mean += row[key]
        values[key] = 100 * (mean / len(present)) if present else 0.0
    return values, len(present)
