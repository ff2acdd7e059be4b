_base_ = ["./retinanet_supernet.py", "../_base_/schedules/detnas_evolution.py"]

val_cfg = dict(_base_.evolution, recalibration=_base_.recalibration)
