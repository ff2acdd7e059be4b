_base_ = [
    "../../_base_/models/auto_panoptic_ade20k.py",
    "../../_base_/datasets/ade20k_panoptic.py",
    "../../_base_/schedules/retrain.py",
]

model = dict(
    arch="configs/auto_panoptic/archs/ade20k.json",
    backbone=dict(channels=(72, 172, 432, 864, 1728)),
    neck=dict(in_channels=[172, 432, 864, 1728]),
    roi_head=dict(mask_head=dict(type="SearchableMaskHead")),
    semantic_head=dict(type="SearchableSemanticHead"),
    things_to_stuff=dict(type="ThingsToStuff", in_channels=1024, out_channels=128, num_gates=4),
    stuff_to_things=dict(type="StuffToThings", in_channels=512, out_channels=256, num_gates=5),
)
sync_bn = "torch"
