# The backbone's supernet, before detection (DetNAS's schedule). An iteration is
# one pass of one path on 1024 pictures (8 GPUs x 128); four of them make a step.
_base_ = [
    "../../_base_/models/searchable_classifier.py",
    "../../_base_/datasets/imagenet.py",
    "../../_base_/schedules/supernet.py",
]

default_scope = "mmpretrain"
custom_imports = dict(imports=["mmpanonas.register", "mmpanonas.models.classifier"])
visualizer = dict(type="UniversalVisualizer")

train_cfg = dict(max_iters=300000)
optim_wrapper = dict(
    optimizer=dict(lr=0.5, weight_decay=4e-5),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1.0, end_factor=0.0, by_epoch=False, begin=0, end=300000)
]
auto_scale_lr = dict(base_batch_size=1024)
