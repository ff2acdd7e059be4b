# The network that a search of the elastic space found, as it is: no factor.
_base_ = "./retrain.py"

model = dict(
    arch="work_dirs/ade20k_elastic_search_evolution/arch.json",
    backbone=dict(channels=(64, 128, 320, 640, 1280), shuffle="braided"),
    neck=dict(in_channels=[128, 320, 640, 1280]),
)
