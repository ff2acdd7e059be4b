# DetNAS's searched backbone (the large space, 40 blocks) and what reads it, merged into
# MMDetection's detectors: see retinanet_detnas.py.
searched = dict(
    backbone=dict(
        _delete_=True,
        type="SearchableShuffleNetV2",
        channels=(48, 96, 240, 480, 960),
        blocks=(8, 8, 16, 8),
        shuffle="even_odd",
    ),
    neck=dict(in_channels=[96, 240, 480, 960]),
)
