# What the released code trained with and the paper does not tell (docs/deviations.md), merged into
# coco/*_released.py and ade20k/*_released.py. Pixels, boxes and anchors stay ours.
released_heads = dict(
    rpn_head=dict(loss_bbox=dict(type="SmoothL1Loss", beta=1 / 9)),
    roi_head=dict(
        bbox_head=dict(type="Shared2FCGNBBoxHead", loss_bbox=dict(type="SmoothL1Loss", beta=1.0))
    ),
)
released_biases = dict(custom_keys=dict(bias=dict(lr_mult=2.0, decay_mult=0.0)))
released_filter = dict(filter_empty_gt=True)  # pictures without things are left out
