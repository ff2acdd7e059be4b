_base_ = [
    "../../_base_/models/auto_panoptic_ade20k.py",
    "../../_base_/datasets/ade20k_panoptic.py",
    "../../_base_/schedules/retrain.py",
]

channels = (72, 172, 432, 864, 1728)
model = dict(
    arch="{{ fileDirname }}/../archs/ade20k.json",
    backbone=dict(channels=channels),
    neck=dict(in_channels=list(channels[1:])),
)
sync_bn = "torch"
