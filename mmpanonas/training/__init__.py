"""How networks train: fairness, hooks, batches, checkpoints. All of it registers with MMEngine."""

from mmpanonas.training.batches import InfiniteGroupBatchSampler
from mmpanonas.training.checkpoint_hooks import CheckpointKindHook, StopOnInvalidLossHook
from mmpanonas.training.checkpoints import PretrainedBackboneInit
from mmpanonas.training.fairness import (
    FairAmpOptimWrapper,
    FairOptimWrapper,
    StrictFairnessHook,
    UniformSamplingHook,
)
from mmpanonas.training.hooks import ProgressBarHook, ReportPresetsHook, ValidateAsSavedHook
from mmpanonas.training.losses import SeldomReadInfoHook
from mmpanonas.training.saving import WholeCheckpointHook

__all__ = [
    "CheckpointKindHook",
    "FairAmpOptimWrapper",
    "FairOptimWrapper",
    "InfiniteGroupBatchSampler",
    "PretrainedBackboneInit",
    "ProgressBarHook",
    "ReportPresetsHook",
    "SeldomReadInfoHook",
    "StopOnInvalidLossHook",
    "StrictFairnessHook",
    "UniformSamplingHook",
    "ValidateAsSavedHook",
    "WholeCheckpointHook",
]
