"""Files in COCO panoptic format, read and checked."""
