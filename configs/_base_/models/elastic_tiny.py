# As elastic.py, for the narrowed network. The cost is to be spent on the backbone: it is wide here,
# the mask head narrow.
widths = ["x50", "x100", "x150", "x200"]
depths = ["d1", "d2"]
elastic_space = dict(
    backbone=dict(channels=(64, 96, 192, 384, 640), shuffle="braided"),
    neck=dict(in_channels=[96, 192, 384, 640]),
    elastic=dict(
        stage_widths=widths,
        stage_depths=[depths, depths, ["d2", "d3", "d4"], depths],
        pyramid_width=widths,
        mask_width=["x25", "x50", "x75", "x100"],
        semantic_width=widths,
    ),
)
