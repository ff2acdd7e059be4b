"""From a config file to a config that is ready to run, checked before any long work."""

import mmpanonas.datasets  # noqa: F401  (first: it lets MMDetection load without a word)
from mmpanonas.config.archs import check_archs
from mmpanonas.config.check import check_data
from mmpanonas.config.classes import (
    built,
    class_slots,
    complete_category_ids,
    data_classes,
    fill_classes,
    is_annotated,
    settle_classes,
    settle_dataset,
)
from mmpanonas.config.datasets import (
    LOADERS,
    annotation_paths,
    datasets_of,
    leaves,
    recalibration_of,
)
from mmpanonas.config.experiment import check_experiment
from mmpanonas.config.judge.forms import check_forms
from mmpanonas.config.judge.kinds import is_kind, kind_of
from mmpanonas.config.loading import load_config, read_config
from mmpanonas.config.named_files import find_named
from mmpanonas.config.places import check_writable, set_work_dir
from mmpanonas.config.start import check_start
from mmpanonas.errors import ClassesError, ConfigError

__all__ = [
    "LOADERS",
    "ClassesError",
    "ConfigError",
    "annotation_paths",
    "built",
    "check_archs",
    "check_data",
    "check_experiment",
    "check_forms",
    "check_start",
    "check_writable",
    "class_slots",
    "complete_category_ids",
    "data_classes",
    "datasets_of",
    "fill_classes",
    "find_named",
    "is_annotated",
    "is_kind",
    "kind_of",
    "leaves",
    "load_config",
    "read_config",
    "recalibration_of",
    "set_work_dir",
    "settle_classes",
    "settle_dataset",
]
