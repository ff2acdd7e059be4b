# The attention alone is searched: 3x3 blocks in the backbone, 3x3 convolutions in the heads.
_base_ = "../shapes/search_evolution.py"

model = dict(
    backbone=dict(arch=dict(backbone=["shuffle_3x3"] * 10)),
    roi_head=dict(mask_head=dict(type="FCNMaskHead")),
    semantic_head=dict(type="SharedSemanticHead"),
)
