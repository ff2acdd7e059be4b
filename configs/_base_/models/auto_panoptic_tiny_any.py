# The tiny network for any data set: None is filled in from the annotation file.
_base_ = "./auto_panoptic_tiny.py"

model = dict(
    roi_head=dict(bbox_head=dict(num_classes=None), mask_head=dict(num_classes=None)),
    semantic_head=dict(num_things_classes=None, num_stuff_classes=None),
    # No limit on things, of which nobody knows the size here.
    panoptic_fusion_head=dict(num_things_classes=None, num_stuff_classes=None, preset="released"),
    test_cfg=dict(
        panoptic=dict(_delete_=True, stuff_area_limit=12 * 12, area_limits_at=(240, 320))
    ),
)
