# The backbone alone is searched: plain 3x3 convolutions in the heads, no attention.
_base_ = "../shapes/search_evolution.py"

model = dict(
    roi_head=dict(mask_head=dict(type="FCNMaskHead")),
    semantic_head=dict(type="SharedSemanticHead"),
    things_to_stuff=None,
    stuff_to_things=None,
)
