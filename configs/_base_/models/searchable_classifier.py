# The backbone of auto_panoptic.py with global average pooling and a linear classifier.
model = dict(
    type="SearchableClassifier",
    data_preprocessor=dict(  # the detector's pixels
        type="ClsDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(
        type="mmdet.SearchableShuffleNetV2",
        arch=None,  # None: the supernet; a file or dictionary: that architecture's backbone alone
        channels=(48, 96, 240, 480, 960),
        blocks=(8, 8, 16, 8),
        shuffle="interleave",
    ),
    neck=dict(type="GlobalAveragePooling"),
    head=dict(
        type="LinearClsHead",
        num_classes=1000,
        in_channels=960,
        loss=dict(type="LabelSmoothLoss", label_smooth_val=0.1),
    ),
)
