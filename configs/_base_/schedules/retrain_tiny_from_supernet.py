# A third of retrain_tiny.py: weights that have learnt need a short warm-up only.
_base_ = "./retrain_tiny.py"

train_cfg = dict(max_iters=240, val_interval=240)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=12),
    dict(
        type="CosineAnnealingLR",
        by_epoch=False,
        begin=0,
        end=240,
        T_max=240,
        eta_min_ratio=0.01,
    ),
]
optim_wrapper = dict(optimizer=dict(lr=3e-3))  # the supernet's
default_hooks = dict(checkpoint=dict(interval=240))
