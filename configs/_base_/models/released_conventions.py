# What a network needs for the released weights (tools/model_converters/autopanoptic_to_mmdet.py),
# merged into any Auto-Panoptic model: see auto_panoptic/coco/released_retrain.py.
ratios = dict(r4=4, r8=8, r16=6)  # the released code reads the last digit
nms = dict(offset=1)  # a box holds its last pixels
extractor = dict(type="DetectronRoIExtractor", roi_layer=dict(aligned=False))

released_conventions = dict(
    data_preprocessor=dict(
        mean=[102.9801, 115.9465, 122.7717],  # blue, green, red
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
    ),
    rpn_head=dict(
        anchor_generator=dict(type="DetectronAnchorGenerator"),
        bbox_coder=dict(type="DetectronBoxCoder"),
    ),
    roi_head=dict(
        bbox_roi_extractor=extractor,
        bbox_head=dict(type="Shared2FCGNBBoxHead", bbox_coder=dict(type="DetectronBoxCoder")),
        mask_roi_extractor=extractor,
        mask_head=dict(whole_pixels=True),
    ),
    semantic_head=dict(align_corners=True),
    things_to_stuff=dict(ratios=ratios, allow_remainder=True),
    stuff_to_things=dict(ratios=ratios, allow_remainder=True),
    panoptic_fusion_head=dict(preset="released"),
    train_cfg=dict(rpn_proposal=dict(nms=nms, min_bbox_size=-1)),
    test_cfg=dict(rpn=dict(nms=nms, min_bbox_size=-1), rcnn=dict(nms=nms)),
)
