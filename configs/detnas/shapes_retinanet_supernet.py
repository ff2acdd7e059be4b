_base_ = [
    "../_base_/models/retinanet_detnas_tiny.py",
    "../_base_/datasets/shapes_boxes_nas.py",
    "../_base_/schedules/supernet_tiny.py",
]

default_hooks = dict(recalibration=dict(type="BNRecalibrationHook", **_base_.recalibration))
