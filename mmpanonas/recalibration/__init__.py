"""Batch-norm statistics of one path of a supernet, measured on pictures of the training set."""

from mmpanonas.recalibration.recalibration import (
    BNRecalibrationHook,
    RecalibrationBatches,
    recalibrated,
)

__all__ = ["BNRecalibrationHook", "RecalibrationBatches", "recalibrated"]
