# What attention_only.py found; the architecture file holds its backbone too.
_base_ = "../shapes/retrain.py"

model = dict(
    roi_head=dict(mask_head=dict(type="FCNMaskHead")),
    semantic_head=dict(type="SharedSemanticHead"),
)
