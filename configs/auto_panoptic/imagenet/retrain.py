# COCO's searched backbone at its retraining width, before detection (the paper's schedule): 512
# pictures an iteration (8 GPUs x 64).
_base_ = [
    "../../_base_/models/searchable_classifier.py",
    "../../_base_/datasets/imagenet.py",
    "../../_base_/schedules/retrain.py",
]

default_scope = "mmpretrain"
custom_imports = dict(imports=["mmpanonas.register", "mmpanonas.models.classifier"])
visualizer = dict(type="UniversalVisualizer")

model = dict(
    backbone=dict(arch="{{ fileDirname }}/../archs/coco.json", channels=(72, 172, 432, 864, 1728)),
    head=dict(in_channels=1728),
)
train_dataloader = dict(batch_size=64)

train_cfg = dict(max_iters=600000)
optim_wrapper = dict(
    optimizer=dict(lr=0.25, weight_decay=4e-5),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1.0, end_factor=0.0, by_epoch=False, begin=0, end=600000)
]
auto_scale_lr = dict(base_batch_size=512)
