# DetNAS's 90,000 iterations of 16 pictures (8 GPUs x 2); here each is one pass of one path, and the
# four passes of a fair window make a step.
_base_ = "./supernet.py"

train_cfg = dict(max_iters=90000)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=3000),
    dict(
        type="MultiStepLR", by_epoch=False, begin=0, end=90000, milestones=[60000, 80000], gamma=0.1
    ),
]
