_base_ = "../default_runtime.py"

# Retraining (paper, supplement): 90k iterations of 16 pictures (8 GPUs x 2).
train_cfg = dict(type="IterBasedTrainLoop", max_iters=90000, val_interval=10000)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")

optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=500),
    dict(
        type="MultiStepLR", by_epoch=False, begin=0, end=90000, milestones=[60000, 80000], gamma=0.1
    ),
]
default_hooks = dict(
    checkpoint=dict(interval=10000),
    progress=dict(name="retrain"),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
