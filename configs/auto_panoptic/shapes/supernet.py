_base_ = [
    "../../_base_/models/auto_panoptic_tiny.py",
    "../../_base_/datasets/shapes.py",
    "../../_base_/schedules/supernet_tiny.py",
]

train_dataloader = dict(dataset=_base_.nas_train)
nas_val = dict(ann_file="annotations/panoptic_nas_val.json", data_prefix=_base_.train.data_prefix)
val_dataloader = dict(dataset=nas_val)
test_dataloader = val_dataloader
default_hooks = dict(recalibration=dict(type="BNRecalibrationHook", **_base_.recalibration))
