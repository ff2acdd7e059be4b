# The same detector, narrowed for two CPU cores and small pictures; classes of "shapes".
_base_ = "./retinanet_detnas.py"

model = dict(
    backbone=dict(channels=(16, 24, 48, 96, 160), blocks=(2, 2, 4, 2)),
    # Small pictures hold small objects: P2 to P5, boxes from 16 pixels on.
    neck=dict(in_channels=[24, 48, 96, 160], out_channels=32, start_level=0, num_outs=4),
    bbox_head=dict(
        num_classes=6,
        in_channels=32,
        feat_channels=32,
        stacked_convs=2,
        anchor_generator=dict(strides=[4, 8, 16, 32]),
    ),
    test_cfg=dict(nms_pre=200, max_per_img=20),
)
