_base_ = [
    "../../_base_/models/auto_panoptic.py",
    "../../_base_/datasets/coco_panoptic.py",
    "../../_base_/schedules/retrain.py",
]

model = dict(
    arch="{{ fileDirname }}/../archs/coco.json",
    backbone=dict(channels=(72, 172, 432, 864, 1728)),
    neck=dict(in_channels=[172, 432, 864, 1728]),
)
sync_bn = "torch"
