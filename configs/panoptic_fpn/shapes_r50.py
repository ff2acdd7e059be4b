# From scratch, at the full width of MMDetection's network: slow on a CPU.
_base_ = [
    "../_base_/models/panoptic_fpn_r50.py",
    "../_base_/datasets/shapes.py",
    "../_base_/schedules/retrain_tiny.py",
]

model = dict(
    backbone=dict(frozen_stages=-1, norm_eval=False, init_cfg=None),
    roi_head=dict(bbox_head=dict(num_classes=6), mask_head=dict(num_classes=6)),
    semantic_head=dict(num_things_classes=6, num_stuff_classes=4),
    panoptic_fusion_head=dict(num_things_classes=6, num_stuff_classes=4),
    test_cfg=dict(panoptic=dict(stuff_area_limit=12 * 12)),
)
