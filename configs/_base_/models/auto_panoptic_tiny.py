# The same network, all five parts searched, narrowed for two CPU cores and small pictures;
# classes of "shapes".
_base_ = "./auto_panoptic.py"

norm_cfg = dict(num_groups=8)
model = dict(
    backbone=dict(channels=(16, 24, 48, 96, 160), blocks=(2, 2, 4, 2)),
    neck=dict(in_channels=[24, 48, 96, 160], out_channels=32, norm_cfg=norm_cfg),
    # Small pictures hold small objects: boxes from 16 pixels on P2.
    rpn_head=dict(in_channels=32, feat_channels=32, anchor_generator=dict(scales=[4])),
    roi_head=dict(
        # RoIs of 28 pixels and more are read from P3 on.
        bbox_roi_extractor=dict(out_channels=32, finest_scale=28),
        bbox_head=dict(in_channels=32, fc_out_channels=256, num_classes=6),
        mask_roi_extractor=dict(out_channels=32, finest_scale=28),
        mask_head=dict(
            num_convs=2,
            in_channels=32,
            conv_out_channels=32,
            num_classes=6,
            norm_cfg=norm_cfg,
        ),
    ),
    semantic_head=dict(
        num_things_classes=6,
        num_stuff_classes=4,
        in_channels=32,
        channels=32,
        # Each further layer multiplies the paths that share the next by six, and the passes needed.
        num_layers=1,
        norm_cfg=norm_cfg,
    ),
    things_to_stuff=dict(in_channels=4 * 32, out_channels=32),
    stuff_to_things=dict(in_channels=4 * 32, out_channels=32),
    panoptic_fusion_head=dict(num_things_classes=6, num_stuff_classes=4, preset="paper", also=()),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=200, max_per_img=100),
        rcnn=dict(sampler=dict(num=32)),
    ),
    test_cfg=dict(
        rpn=dict(nms_pre=200, max_per_img=100),
        rcnn=dict(max_per_img=20),
        # Of a picture of 128 x 128; in another they grow with its area.
        panoptic=dict(thing_area_limit=8 * 8, stuff_area_limit=12 * 12, area_limits_at=(128, 128)),
    ),
)
