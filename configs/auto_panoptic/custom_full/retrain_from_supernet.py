# The network found, at the supernet's widths and with its weights.
_base_ = [
    "../../_base_/models/auto_panoptic_any.py",
    "../../_base_/datasets/custom_panoptic_full.py",
    "../../_base_/schedules/retrain_from_supernet.py",
]

model = dict(
    arch="work_dirs/custom_full_search_evolution/arch.json",
    init_from_supernet="work_dirs/custom_full_supernet",  # its last checkpoint; or a file
)
sync_bn = "torch"
