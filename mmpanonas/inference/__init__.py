"""From pictures to panoptic maps, pictures of them and files."""

from mmpanonas.inference.inferencer import PanopticInferencer, PicturesError
from mmpanonas.inference.pictures import list_pictures

__all__ = ["PanopticInferencer", "PicturesError", "list_pictures"]
