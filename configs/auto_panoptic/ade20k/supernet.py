_base_ = [
    "../../_base_/models/auto_panoptic_ade20k.py",
    "../../_base_/datasets/ade20k_panoptic.py",
    "../../_base_/schedules/supernet.py",
]

nas_val = dict(
    ann_file="ade20k_panoptic_nas_val.json",
    data_prefix=dict(img="images/training/", seg="ade20k_panoptic_train/"),
)
train_dataloader = dict(dataset=dict(ann_file="ade20k_panoptic_nas_train.json"))
val_dataloader = dict(dataset=nas_val)
test_dataloader = val_dataloader
default_hooks = dict(recalibration=dict(type="BNRecalibrationHook", **_base_.recalibration))
sync_bn = "torch"

# 24 epochs of 1,138 passes on 16 of 18,210 pictures; steps after 16 and 22 of them.
train_cfg = dict(max_iters=27312)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=3000),
    dict(
        type="MultiStepLR",
        by_epoch=False,
        begin=0,
        end=27312,
        milestones=[18208, 25036],
        gamma=0.1,
    ),
]
