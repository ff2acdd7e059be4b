# As coco/supernet_released.py, with the cosine over ADE20K's 24 epochs.
_base_ = ["./supernet.py", "../../_base_/released_recipe.py"]

model = _base_.released_heads
optim_wrapper = dict(paramwise_cfg=_base_.released_biases)
train_dataloader = dict(dataset=dict(filter_cfg=_base_.released_filter))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=3000),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=3000, end=27312, eta_min=0),
]
