"""Metrics (registers ``PanopticQualityMetric``, ``CocoFitness``), and how two orders agree."""

from mmpanonas.evaluation.bootstrap import Estimate, bootstrap
from mmpanonas.evaluation.coco import CocoFitness
from mmpanonas.evaluation.metric import PanopticQualityMetric
from mmpanonas.evaluation.rank_correlation import (
    pair_scores,
    rank_correlation,
    read_stand_alone,
)
from mmpanonas.evaluation.results import PanopticResults, read_category_ids
from mmpanonas.evaluation.samples import ground_truth, prediction_ids
from mmpanonas.panoptic.quality import (
    Counts,
    mean_quality,
    picture_counts,
    quality,
    segment_areas,
    segment_overlaps,
)

__all__ = [
    "CocoFitness",
    "Counts",
    "Estimate",
    "PanopticQualityMetric",
    "PanopticResults",
    "bootstrap",
    "ground_truth",
    "mean_quality",
    "pair_scores",
    "picture_counts",
    "prediction_ids",
    "quality",
    "rank_correlation",
    "read_category_ids",
    "read_stand_alone",
    "segment_areas",
    "segment_overlaps",
]
