# The released code's schedule instead of the paper's (docs/deviations.md).
_base_ = "./supernet.py"

param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=3000),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=3000, end=84960, eta_min=0),
]
