# The network that a search of the elastic space found, as it is: no factor.
_base_ = "./retrain.py"

model = dict(
    arch="work_dirs/custom_elastic_search_evolution/arch.json",
    backbone=dict(channels=(64, 96, 192, 384, 640), shuffle="braided"),
    neck=dict(in_channels=[96, 192, 384, 640]),
)
