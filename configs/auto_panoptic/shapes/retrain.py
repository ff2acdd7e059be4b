_base_ = [
    "../../_base_/models/auto_panoptic_tiny.py",
    "../../_base_/datasets/shapes.py",
    "../../_base_/schedules/retrain_tiny.py",
]

# Wider by half, as the paper's 48 to 72.
channels = (24, 36, 72, 144, 240)
model = dict(
    arch="work_dirs/demo/search/arch.json",
    backbone=dict(channels=channels),
    neck=dict(in_channels=list(channels[1:])),
)
