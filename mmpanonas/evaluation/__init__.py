"""Panoptic quality: registers ``PanopticQualityMetric`` with MMDetection."""

from mmpanonas.evaluation.metric import PanopticQualityMetric
from mmpanonas.evaluation.panoptic_quality import (
    Counts,
    mean_quality,
    picture_counts,
    quality,
    segment_areas,
)
from mmpanonas.evaluation.samples import ground_truth, prediction_ids

__all__ = [
    "Counts",
    "PanopticQualityMetric",
    "ground_truth",
    "mean_quality",
    "picture_counts",
    "prediction_ids",
    "quality",
    "segment_areas",
]
