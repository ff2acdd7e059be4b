# 90,000 iterations of 16 pictures, learning rate dropped at 60,000 and 80,000, as DetNAS's.
_base_ = [
    "../_base_/models/faster_rcnn_detnas.py",
    "../_base_/datasets/coco_boxes.py",
    "../_base_/schedules/retrain.py",
]

model = dict(backbone=dict(arch="work_dirs/detnas_fpn_search_evolution/arch.json"))
sync_bn = "torch"
