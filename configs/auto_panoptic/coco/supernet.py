_base_ = [
    "../../_base_/models/auto_panoptic.py",
    "../../_base_/datasets/coco_panoptic.py",
    "../../_base_/schedules/supernet.py",
]

nas_val = dict(
    ann_file="annotations/panoptic_nas_val2017.json",
    data_prefix=dict(img="train2017/", seg="annotations/panoptic_train2017/"),
)
train_dataloader = dict(dataset=dict(ann_file="annotations/panoptic_nas_train2017.json"))
val_dataloader = dict(dataset=nas_val)
test_dataloader = val_dataloader
# Lets tools/test.py --arch evaluate one path.
default_hooks = dict(recalibration=dict(type="BNRecalibrationHook", **_base_.recalibration))
sync_bn = "torch"
