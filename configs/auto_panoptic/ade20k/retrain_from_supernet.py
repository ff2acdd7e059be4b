# The network found, at the supernet's widths and with its weights.
_base_ = [
    "../../_base_/models/auto_panoptic_ade20k.py",
    "../../_base_/datasets/ade20k_panoptic.py",
    "../../_base_/schedules/retrain_from_supernet.py",
]

model = dict(
    arch="{{ fileDirname }}/../archs/ade20k.json",
    init_from_supernet="work_dirs/ade20k_supernet",  # its last checkpoint; or a file
)
sync_bn = "torch"
