"""Other forms of annotations to COCO panoptic format."""
