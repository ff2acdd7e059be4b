# Both heads are searched: 3x3 blocks throughout the backbone, no attention.
_base_ = "../shapes/search_evolution.py"

model = dict(
    backbone=dict(arch=dict(backbone=["shuffle_3x3"] * 10)),
    things_to_stuff=None,
    stuff_to_things=None,
)
