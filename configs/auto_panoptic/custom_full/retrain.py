_base_ = [
    "../../_base_/models/auto_panoptic_any.py",
    "../../_base_/datasets/custom_panoptic_full.py",
    "../../_base_/schedules/retrain.py",
]

channels = (72, 172, 432, 864, 1728)
model = dict(
    arch="work_dirs/custom_full_search_evolution/arch.json",
    backbone=dict(channels=channels),
    neck=dict(in_channels=list(channels[1:])),
)
sync_bn = "torch"
