_base_ = [
    "../../_base_/models/auto_panoptic_ade20k.py",
    "../../_base_/datasets/ade20k_panoptic.py",
    "../../_base_/schedules/retrain.py",
]

model = dict(
    arch="{{ fileDirname }}/../archs/ade20k.json",
    backbone=dict(channels=(72, 172, 432, 864, 1728)),
    neck=dict(in_channels=[172, 432, 864, 1728]),
)
sync_bn = "torch"
