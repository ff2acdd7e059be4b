# Does a searched network beat those of equal cost? On shapes, two CPU cores (../README.md):
#     python -m studies.budgets studies/budgets/configs/shapes.py
_base_ = "../../_base_/shapes_96.py"

custom_imports = dict(imports=["mmpanonas.register", "studies.budgets.plan"])

# As wide as the dearest budget may ask for. Norms keep 4 channels a group at every width.
groups = dict(num_groups=8)
heads = ["conv_3x3", "dw_3x3", "at_3x3", "df_3x3"]
narrow = ["x50", "x75", "x100", "x125", "x150", "x200"]
wide = ["x50", "x75", "x100", "x150", "x200", "x300"]
model = dict(
    backbone=dict(channels=(32, 64, 128, 256, 448), shuffle="braided"),
    neck=dict(in_channels=[64, 128, 256, 448], norm_cfg=groups),
    roi_head=dict(mask_head=dict(operations=heads, norm_cfg=groups)),
    semantic_head=dict(operations=heads, norm_cfg=groups),
    elastic=dict(stage_widths=wide, pyramid_width=narrow, mask_width=narrow, semantic_width=wide),
)

_norms = dict(norm_cfg=dict(num_groups=4))
_published = dict(
    elastic=None,
    backbone=dict(channels=(16, 24, 48, 96, 160), shuffle="interleave"),
    neck=dict(in_channels=[24, 48, 96, 160], **_norms),
    roi_head=dict(mask_head=_norms),
    semantic_head=_norms,
)
budgets = dict(
    alone="../../ranking/configs/shapes_alone.py",
    cost=dict(quantity="macs", scope="network", size=(96, 96)),
    # Those of the plain networks of about 60, 80, 140 and 280 M.
    limits=[76.3e6, 130e6, 61e6, 280e6],
    samplings=dict(sandwich="SandwichHook"),
    recalibrations=dict(pooled_100=dict(num_images=100)),
    fusions=dict(
        paper=dict(preset="paper", test_cfg=dict(thing_area_limit=8 * 8, stuff_area_limit=12 * 12))
    ),
    plain=dict(
        arch=dict(backbone=["shuffle_3x3"] * 5, mask_head=["conv_3x3"], semantic_head=["conv_3x3"]),
        model=dict(_published, things_to_stuff=None, stuff_to_things=None),
    ),
    # What evolution found in the ranking study.
    widened=dict(
        arch=dict(
            backbone=["shuffle_7x7", "shuffle_7x7", "shuffle_7x7", "shuffle_5x5", "shuffle_7x7"],
            mask_head=["at_3x3"],
            semantic_head=["df_3x3"],
            things_to_stuff=["r8"] * 4,
            stuff_to_things=["r8"] * 5,
        ),
        model=_published,
    ),
    lucky=dict(
        backbone=dict(arch=dict(backbone=["shuffle_3x3"] * 5)),
        roi_head=dict(mask_head=dict(arch=dict(mask_head=["conv_3x3"]))),
        semantic_head=dict(arch=dict(semantic_head=["conv_3x3"])),
        things_to_stuff=None,
        stuff_to_things=None,
    ),
)
