_base_ = [
    "../../_base_/models/auto_panoptic_any.py",
    "../../_base_/datasets/custom_panoptic_full.py",
    "../../_base_/schedules/supernet.py",
]

train_dataloader = dict(dataset=dict(ann_file="annotations/panoptic_nas_train.json"))
val_dataloader = dict(
    dataset=dict(
        ann_file="annotations/panoptic_nas_val.json",
        data_prefix=dict(img="images/train/", seg="annotations/panoptic_train/"),
    )
)
test_dataloader = val_dataloader
default_hooks = dict(recalibration=dict(type="BNRecalibrationHook", **_base_.recalibration))
sync_bn = "torch"
