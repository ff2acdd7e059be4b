# The network found, at the supernet's widths and with its weights.
_base_ = [
    "../../_base_/models/auto_panoptic_tiny.py",
    "../../_base_/datasets/shapes.py",
    "../../_base_/schedules/retrain_tiny_from_supernet.py",
]

model = dict(
    arch="work_dirs/demo/search/arch.json",
    init_from_supernet="work_dirs/demo/supernet",  # its last checkpoint; or a file
)
