_base_ = [
    "../_base_/models/retinanet_detnas_tiny.py",
    "../_base_/datasets/shapes_boxes.py",
    "../_base_/schedules/retrain_tiny.py",
]

model = dict(backbone=dict(arch="work_dirs/detnas_shapes_retinanet_search_evolution/arch.json"))
