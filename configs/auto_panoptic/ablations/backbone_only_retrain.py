# What backbone_only.py found.
_base_ = "../shapes/retrain.py"

model = dict(
    roi_head=dict(mask_head=dict(type="FCNMaskHead")),
    semantic_head=dict(type="SharedSemanticHead"),
    things_to_stuff=None,
    stuff_to_things=None,
)
