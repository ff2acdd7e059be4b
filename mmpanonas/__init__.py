"""Architecture search for panoptic segmentation on MMDetection."""

__version__ = "0.1.0"
