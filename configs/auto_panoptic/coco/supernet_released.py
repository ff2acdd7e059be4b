# The supernet of the released code's recipe (docs/reproduce.md).
_base_ = ["./supernet_cosine.py", "../../_base_/released_recipe.py"]

model = _base_.released_heads
optim_wrapper = dict(paramwise_cfg=_base_.released_biases)
train_dataloader = dict(
    dataset=dict(
        filter_cfg=_base_.released_filter, things_file="annotations/instances_train2017.json"
    )
)
