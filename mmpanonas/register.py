"""Import this (``custom_imports`` in the configs do) to register everything with MMDetection."""

import mmpanonas.datasets
import mmpanonas.engine
import mmpanonas.evaluation
import mmpanonas.models
import mmpanonas.visualization  # noqa: F401
