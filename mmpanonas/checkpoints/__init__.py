"""Checkpoint files, read as data, and the weights in them. Initializers register with MMEngine."""

from mmpanonas.checkpoints.pretrained import PretrainedBackboneInit

__all__ = ["PretrainedBackboneInit"]
