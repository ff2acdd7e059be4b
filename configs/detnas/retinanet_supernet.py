_base_ = [
    "../_base_/models/retinanet_detnas.py",
    "../_base_/datasets/coco_boxes_nas.py",
    "../_base_/schedules/detnas_supernet.py",
]

# Lets tools/test.py --arch evaluate one path.
default_hooks = dict(recalibration=dict(type="BNRecalibrationHook", **_base_.recalibration))
optim_wrapper = dict(optimizer=dict(lr=0.01))
sync_bn = "torch"
