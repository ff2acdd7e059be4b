_base_ = [
    "../../_base_/models/auto_panoptic.py",
    "../../_base_/datasets/coco_panoptic.py",
    "../../_base_/schedules/retrain.py",
]

channels = (72, 172, 432, 864, 1728)
model = dict(
    arch="{{ fileDirname }}/../archs/coco.json",
    backbone=dict(channels=channels),
    neck=dict(in_channels=list(channels[1:])),
)
sync_bn = "torch"
