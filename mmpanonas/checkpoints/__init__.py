"""Checkpoint files, read as data, and the weights in them. Initializers register with MMEngine."""

from mmpanonas.checkpoints.pretrained import PretrainedBackboneInit
from mmpanonas.checkpoints.supernet import FromSupernetInit

__all__ = ["FromSupernetInit", "PretrainedBackboneInit"]
