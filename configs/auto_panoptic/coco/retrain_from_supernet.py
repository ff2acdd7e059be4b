# The network found, at the supernet's widths and with its weights.
_base_ = [
    "../../_base_/models/auto_panoptic.py",
    "../../_base_/datasets/coco_panoptic.py",
    "../../_base_/schedules/retrain_from_supernet.py",
]

model = dict(
    arch="{{ fileDirname }}/../archs/coco.json",
    init_from_supernet="work_dirs/coco_supernet",  # its last checkpoint; or a file
)
sync_bn = "torch"
