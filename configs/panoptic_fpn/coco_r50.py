_base_ = [
    "../_base_/models/panoptic_fpn_r50.py",
    "../_base_/datasets/coco_panoptic.py",
    "../_base_/schedules/retrain.py",
]
