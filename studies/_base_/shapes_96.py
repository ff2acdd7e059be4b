# The small space of the studies: 96 x 96 pixels, five searched blocks, one layer in each head.
_base_ = "../../configs/auto_panoptic/shapes/search_random.py"

data_root = "data/shapes_96/"
image_scale = (96, 96)
# Few groups, so that the widths of the network nobody searched come in small steps.
norm_cfg = dict(num_groups=4)
model = dict(
    backbone=dict(blocks=(1, 1, 2, 1)),
    neck=dict(norm_cfg=norm_cfg),
    roi_head=dict(
        mask_head=dict(num_convs=1, norm_cfg=norm_cfg), bbox_head=dict(fc_out_channels=128)
    ),
    semantic_head=dict(norm_cfg=norm_cfg),
    test_cfg=dict(rcnn=dict(max_per_img=10), panoptic=dict(area_limits_at=None)),
    things_to_stuff=dict(whole=True),
    stuff_to_things=dict(whole=True),
)

length = 7200
train_cfg = dict(max_iters=length)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=720),
    dict(
        type="CosineAnnealingLR",
        by_epoch=False,
        begin=0,
        end=length,
        T_max=length,
        eta_min_ratio=0.01,
    ),
]
loader = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(batch_size=4, **loader)
val_dataloader = loader
test_dataloader = loader
