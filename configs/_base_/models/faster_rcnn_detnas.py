# MMDetection's Faster R-CNN on a feature pyramid with DetNAS's searched backbone (40 blocks).
_base_ = "mmdet::_base_/models/faster-rcnn_r50_fpn.py"

model = dict(
    backbone=dict(
        _delete_=True,
        type="SearchableShuffleNetV2",
        channels=(48, 96, 240, 480, 960),
        blocks=(8, 8, 16, 8),
        shuffle="even_odd",
    ),
    neck=dict(in_channels=[96, 240, 480, 960]),
)
