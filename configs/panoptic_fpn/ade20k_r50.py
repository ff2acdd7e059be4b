_base_ = [
    "../_base_/models/panoptic_fpn_r50.py",
    "../_base_/datasets/ade20k_panoptic.py",
    "../_base_/schedules/retrain.py",
]

model = dict(
    roi_head=dict(bbox_head=dict(num_classes=100), mask_head=dict(num_classes=100)),
    semantic_head=dict(num_things_classes=100, num_stuff_classes=50),
    panoptic_fusion_head=dict(num_things_classes=100, num_stuff_classes=50),
)
