"""Hooks, loops and optimizer wrappers: everything here registers itself with MMEngine."""

from mmpanonas.engine.batches import InfiniteGroupBatchSampler
from mmpanonas.engine.candidate import CandidateEvaluator, EvaluationSettings
from mmpanonas.engine.checkpoint_hooks import CheckpointKindHook, StopOnInvalidLossHook
from mmpanonas.engine.checkpoints import PretrainedBackboneInit
from mmpanonas.engine.fairness import (
    FairAmpOptimWrapper,
    FairOptimWrapper,
    StrictFairnessHook,
    UniformSamplingHook,
)
from mmpanonas.engine.hooks import ProgressBarHook, ReportPresetsHook, ValidateAsSavedHook
from mmpanonas.engine.losses import SeldomReadInfoHook
from mmpanonas.engine.recalibration import BNRecalibrationHook, RecalibrationBatches, recalibrated
from mmpanonas.engine.saving import WholeCheckpointHook
from mmpanonas.engine.search_loop import SearchLoop

__all__ = [
    "BNRecalibrationHook",
    "CandidateEvaluator",
    "CheckpointKindHook",
    "EvaluationSettings",
    "FairAmpOptimWrapper",
    "FairOptimWrapper",
    "InfiniteGroupBatchSampler",
    "PretrainedBackboneInit",
    "ProgressBarHook",
    "RecalibrationBatches",
    "ReportPresetsHook",
    "SearchLoop",
    "SeldomReadInfoHook",
    "StopOnInvalidLossHook",
    "StrictFairnessHook",
    "UniformSamplingHook",
    "ValidateAsSavedHook",
    "WholeCheckpointHook",
    "recalibrated",
]
