# 200 optimizer steps of 12 passes on two CPU cores: Adam learns from scratch what SGD would not.
_base_ = "./supernet.py"

train_cfg = dict(max_iters=2400)
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
        end=2400,
        T_max=2400,
        eta_min_ratio=0.01,
    ),
]
default_hooks = dict(checkpoint=dict(interval=1200))
auto_scale_lr = dict(base_batch_size=4)
