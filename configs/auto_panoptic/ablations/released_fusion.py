# The released code's fusion instead of the paper's; test a retrained network with either.
_base_ = "../shapes/retrain.py"

model = dict(
    panoptic_fusion_head=dict(preset="released"),
    # Limits for small pictures; the preset has no limit for things.
    test_cfg=dict(
        panoptic=dict(_delete_=True, stuff_area_limit=12 * 12, area_limits_at=(128, 128))
    ),
)
