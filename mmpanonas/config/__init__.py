"""From a config file to a config that is ready to run, checked before any long work."""

from mmpanonas.config.check import check_data
from mmpanonas.config.classes import Classes, class_slots, fill_classes
from mmpanonas.config.datasets import LOADERS, annotation_paths, datasets_of
from mmpanonas.config.errors import ConfigError
from mmpanonas.config.loading import load_config
from mmpanonas.config.places import check_writable, set_work_dir
from mmpanonas.config.schedule import enable_amp, set_length

__all__ = [
    "LOADERS",
    "Classes",
    "ConfigError",
    "annotation_paths",
    "check_data",
    "check_writable",
    "class_slots",
    "datasets_of",
    "enable_amp",
    "fill_classes",
    "load_config",
    "set_length",
    "set_work_dir",
]
