_base_ = "../default_runtime.py"

# Supernet training on COCO (paper, supplement). An iteration is one pass of one path on 16
# pictures (8 GPUs x 2); 7,080 of them are an epoch of nas_train, 84,960 are 12 epochs.
train_cfg = dict(
    type="IterBasedTrainLoop",
    max_iters=84960,
    val_begin=10**9,  # a supernet has no accuracy of its own; its paths are evaluated by the search
)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")

optim_wrapper = dict(
    type="FairOptimWrapper",
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=1e-4),
)
# Steps after 8 and 11 of 12 epochs. Fresh heads at this rate need the warm-up, which the released
# code has and the paper leaves out.
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=3000),
    dict(
        type="MultiStepLR",
        by_epoch=False,
        begin=0,
        end=84960,
        milestones=[56640, 77880],
        gamma=0.1,
    ),
]
default_hooks = dict(
    fairness=dict(type="StrictFairnessHook", seed=0),
    progress=dict(name="supernet"),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
