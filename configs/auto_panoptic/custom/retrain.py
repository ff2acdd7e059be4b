_base_ = [
    "../../_base_/models/auto_panoptic_tiny_any.py",
    "../../_base_/datasets/custom_panoptic.py",
    "../../_base_/schedules/retrain_tiny.py",
]

model = dict(
    arch="work_dirs/custom_search_evolution/arch.json",
    # Wider by half, as the paper's 48 to 72.
    backbone=dict(channels=(24, 36, 72, 144, 240)),
    neck=dict(in_channels=[36, 72, 144, 240]),
)
