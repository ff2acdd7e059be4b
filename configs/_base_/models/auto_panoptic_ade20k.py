# The classes of ADE20K.
_base_ = "./auto_panoptic.py"

model = dict(
    roi_head=dict(bbox_head=dict(num_classes=100), mask_head=dict(num_classes=100)),
    semantic_head=dict(num_things_classes=100, num_stuff_classes=50),
    panoptic_fusion_head=dict(num_things_classes=100, num_stuff_classes=50),
)
