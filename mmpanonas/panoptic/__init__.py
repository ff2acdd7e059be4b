"""The panoptic format and its arithmetic: PNG files, runs, segments, counts of PQ. No torch."""

from mmpanonas.panoptic.quality import (
    Counts,
    mean_quality,
    picture_counts,
    quality,
    segment_areas,
    segment_overlaps,
)

__all__ = [
    "Counts",
    "mean_quality",
    "picture_counts",
    "quality",
    "segment_areas",
    "segment_overlaps",
]
