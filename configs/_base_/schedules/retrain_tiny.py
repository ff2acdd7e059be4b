# As supernet_tiny.py, for the fixed network.
_base_ = "./retrain.py"

train_cfg = dict(max_iters=720, val_interval=720)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=2e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=10.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=48),
    dict(
        type="CosineAnnealingLR",
        by_epoch=False,
        begin=0,
        end=720,
        T_max=720,
        eta_min_ratio=0.01,
    ),
]
default_hooks = dict(checkpoint=dict(interval=360))
auto_scale_lr = dict(base_batch_size=4)
