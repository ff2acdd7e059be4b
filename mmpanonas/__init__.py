"""Architecture search for panoptic segmentation on MMDetection."""
