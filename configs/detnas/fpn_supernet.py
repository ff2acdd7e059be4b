_base_ = [
    "../_base_/models/faster_rcnn_detnas.py",
    "../_base_/datasets/coco_boxes_nas.py",
    "../_base_/schedules/detnas_supernet.py",
]

# Lets tools/test.py --arch evaluate one path.
default_hooks = dict(recalibration=dict(type="BNRecalibrationHook", **_base_.recalibration))
sync_bn = "torch"
