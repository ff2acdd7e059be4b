# 90,000 iterations of 16 pictures, learning rate dropped at 60,000 and 80,000, as DetNAS's.
_base_ = [
    "../_base_/models/retinanet_detnas.py",
    "../_base_/datasets/coco_boxes.py",
    "../_base_/schedules/retrain.py",
]

model = dict(backbone=dict(arch="work_dirs/detnas_retinanet_search_evolution/arch.json"))
optim_wrapper = dict(optimizer=dict(lr=0.01))
sync_bn = "torch"
