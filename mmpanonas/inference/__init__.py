"""From pictures to panoptic maps, pictures of them and files."""

from mmpanonas.inference.found import PicturesError
from mmpanonas.inference.inferencer import PanopticInferencer
from mmpanonas.inference.pictures import list_pictures

__all__ = ["PanopticInferencer", "PicturesError", "list_pictures"]
