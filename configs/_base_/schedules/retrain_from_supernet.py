# A third of retrain.py, at half its rate: not measured at this size.
_base_ = "./retrain.py"

train_cfg = dict(max_iters=30000, val_interval=10000)
optim_wrapper = dict(optimizer=dict(lr=0.01))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=100),
    dict(
        type="MultiStepLR", by_epoch=False, begin=0, end=30000, milestones=[20000, 26667], gamma=0.1
    ),
]
