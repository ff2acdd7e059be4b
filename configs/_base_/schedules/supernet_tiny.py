# 200 optimizer steps of 12 passes on two CPU cores: Adam learns from scratch what SGD would not.
_base_ = "./supernet.py"

max_iters = 2400
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=3e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=10.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=240),
    dict(
        type="CosineAnnealingLR",
        by_epoch=False,
        begin=0,
        end=max_iters,
        T_max=max_iters,
        eta_min_ratio=0.01,
    ),
]
default_hooks = dict(checkpoint=dict(interval=1200))
