"""Import this (``custom_imports`` in the configs do) to register everything with MMDetection.

Where no default scope is chosen yet, MMDetection's becomes it, so that a network can be built.
Configs may then inherit shipped ones, ``_base_ = "mmpanonas::..."``.
"""

from mmengine.registry import DefaultScope

import mmpanonas.checkpoints
import mmpanonas.config
import mmpanonas.datasets
import mmpanonas.evaluation
import mmpanonas.models
import mmpanonas.recalibration
import mmpanonas.search
import mmpanonas.training
import mmpanonas.visualization  # noqa: F401

if DefaultScope.get_current_instance() is None:
    DefaultScope.get_instance("mmpanonas", scope_name="mmdet")
