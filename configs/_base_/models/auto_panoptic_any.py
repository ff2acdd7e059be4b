# The paper's network for any data set: None is filled in from the annotation file.
_base_ = "./auto_panoptic.py"

model = dict(
    roi_head=dict(bbox_head=dict(num_classes=None), mask_head=dict(num_classes=None)),
    semantic_head=dict(num_things_classes=None, num_stuff_classes=None),
    panoptic_fusion_head=dict(num_things_classes=None, num_stuff_classes=None),
)
