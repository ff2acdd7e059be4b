"""From pictures to panoptic maps, pictures of them and files."""

from mmpanonas.inference.inferencer import PanopticInferencer
from mmpanonas.inference.pictures import list_pictures

__all__ = ["PanopticInferencer", "list_pictures"]
