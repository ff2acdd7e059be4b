"""Counts of pictures added up, and the scores of groups and classes that follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmpanonas.panoptic.quality import Counts, mean_quality, quality

KEYS = ("PQ", "SQ", "RQ")
GROUPS = {"All": "", "Things": "_th", "Stuff": "_st"}
"""The groups of classes, and what follows a key of theirs."""


def add_counts(results: Iterable[dict], num_classes: int, which: str | None = None) -> list[Counts]:
    """Counts per label over all pictures, each picture once, in the order of image ids.

    Args:
        results: of pictures, each a ``key`` to order them by and ``counts`` per label, or of
            several maps ``further``, such counts by name.
        which: the name; None for ``counts``.
    """
    pictures = {}
    for result in results:
        pictures.setdefault(result["key"], result["further"][which] if which else result["counts"])
    totals: list[Counts] = [(0, 0, 0, 0.0)] * num_classes
    for key in sorted(pictures):
        for label, counts in pictures[key].items():
            totals[label] = tuple(a + b for a, b in zip(totals[label], counts, strict=True))
    return totals


def group_scores(
    totals: Sequence[Counts], num_things: int
) -> tuple[dict[str, float], list[list[object]]]:
    """PQ, SQ and RQ of all classes, things and stuff in percent, and the rows of their table."""
    members = (totals, totals[:num_things], totals[num_things:])
    metrics, rows = {}, []
    for (group, suffix), own in zip(GROUPS.items(), members, strict=True):
        values, present = mean_quality(own)
        metrics.update({key + suffix: values[key] for key in KEYS})
        rows.append([group, *(f"{values[key]:.3f}" for key in KEYS), present])
    return metrics, rows


def class_scores(totals: Sequence[Counts], classes: Sequence[str], num_things: int) -> list[dict]:
    """One dict per class, in label order.

    Keys: ``name``, ``isthing``, ``PQ``, ``SQ``, ``RQ`` in percent, ``n_tp``, ``n_fp``, ``n_fn`` and
    ``iou_sum`` over the true positives. A class with all three counts zero is in no mean and reads
    0.
    """
    rows = []
    for label, (name, total) in enumerate(zip(classes, totals, strict=True)):
        percent = {key: 100 * value for key, value in quality(*total).items()}
        counts = dict(zip(("n_tp", "n_fp", "n_fn", "iou_sum"), total, strict=True))
        rows.append({"name": name, "isthing": label < num_things, **percent, **counts})
    return rows
