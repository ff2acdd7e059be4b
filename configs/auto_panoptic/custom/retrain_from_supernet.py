# The network found, at the supernet's widths and with its weights.
_base_ = [
    "../../_base_/models/auto_panoptic_tiny_any.py",
    "../../_base_/datasets/custom_panoptic.py",
    "../../_base_/schedules/retrain_tiny_from_supernet.py",
]

model = dict(
    arch="work_dirs/custom_search_evolution/arch.json",
    init_from_supernet="work_dirs/custom_supernet",  # its last checkpoint; or a file
)
