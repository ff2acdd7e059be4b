"""How networks train: fairness, hooks, what is saved. All of it registers with MMEngine."""

from mmpanonas.training.checkpoint_hooks import CheckpointKindHook, StopOnInvalidLossHook
from mmpanonas.training.fairness import (
    FairAmpOptimWrapper,
    FairOptimWrapper,
    SandwichHook,
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
    "ProgressBarHook",
    "ReportPresetsHook",
    "SandwichHook",
    "SeldomReadInfoHook",
    "StopOnInvalidLossHook",
    "StrictFairnessHook",
    "UniformSamplingHook",
    "ValidateAsSavedHook",
    "WholeCheckpointHook",
]
