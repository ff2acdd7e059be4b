"""Panoptic quality, computed from arrays in memory.

Source: Kirillov et al., Panoptic Segmentation (CVPR 2019). The counts, and the sums of IoUs to the
last bit, are panopticapi's, whose rules for crowds the paper leaves open.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from mmpanonas.panoptic.png import VOID_ID
from mmpanonas.panoptic.runs import Runs

Counts = tuple[int, int, int, float]
"""True positives, false positives, misses, sum of IoUs over the true positives."""


def segment_areas(ids: np.ndarray) -> dict[int, int]:
    """Pixels per id of an integer map (H, W), ids ascending."""
    runs = Runs.of(ids)
    return runs.pixels(runs.values(ids))


def segment_overlaps(truth: np.ndarray, ids: np.ndarray) -> dict[tuple[int, int], int]:
    """Pixels per pair of ids of two maps (H, W), ids from 0 to 2^31 - 1, pairs ascending."""
    runs = Runs.of(truth, ids)
    pairs = runs.values(truth).astype(np.int64) << 32 | runs.values(ids)
    return {divmod(pair, 1 << 32): pixels for pair, pixels in runs.pixels(pairs).items()}


def picture_counts(
    overlaps: dict[tuple[int, int], int],
    annotated: dict[int, tuple[int, bool]],
    predicted: dict[int, int],
) -> dict[int, Counts]:
    """Match the segments of one picture.

    A predicted and an annotated segment of one class match if their IoU is above 0.5; predicted
    pixels on void leave the union. A crowd matches nothing and is not missed. An unmatched
    prediction of which more than half lies on void or on the crowd of its class (the last listed,
    if there are several) counts nowhere.

    Args:
        overlaps: pixels per pair (annotated id, predicted id), ascending; id 0 is void.
        annotated: per annotated id its label and whether it is a crowd.
        predicted: per predicted id its label.

    Returns:
        per label that counts: true positives, false positives, misses, sum of IoUs.
    """
    annotated_areas, predicted_areas = Counter(), Counter()
    for (true_id, found_id), pixels in overlaps.items():
        annotated_areas[true_id] += pixels
        predicted_areas[found_id] += pixels
    crowds = {label: true_id for true_id, (label, is_crowd) in annotated.items() if is_crowd}
    misses = {i: label for i, (label, is_crowd) in annotated.items() if not is_crowd}
    unmatched = dict(predicted)
    counts = defaultdict(lambda: [0, 0, 0, 0.0])
    for (true_id, found_id), pixels in overlaps.items():
        label = predicted.get(found_id)
        if annotated.get(true_id) != (label, False):
            continue
        on_void = overlaps.get((VOID_ID, found_id), 0)
        union = annotated_areas[true_id] + predicted_areas[found_id] - pixels - on_void
        if pixels / union > 0.5:
            counts[label][0] += 1
            counts[label][3] += pixels / union
            del misses[true_id], unmatched[found_id]
    for found_id, label in unmatched.items():
        ignored = overlaps.get((VOID_ID, found_id), 0)
        if label in crowds:
            ignored += overlaps.get((crowds[label], found_id), 0)
        counts[label][1] += ignored / predicted_areas[found_id] <= 0.5
    for label in misses.values():
        counts[label][2] += 1
    return {label: tuple(values) for label, values in counts.items() if any(values[:3])}


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
