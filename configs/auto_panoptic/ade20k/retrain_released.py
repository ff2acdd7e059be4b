# As coco/retrain_released.py; ADE20K's instances are painted, nothing lies below another.
_base_ = ["./retrain.py", "../../_base_/released_recipe.py"]

model = dict(
    _base_.released_heads,
    backbone=dict(norm_cfg=dict(type="BN", requires_grad=True, momentum=0.01)),
)
optim_wrapper = dict(paramwise_cfg=_base_.released_biases)
train_dataloader = dict(dataset=dict(filter_cfg=_base_.released_filter))
