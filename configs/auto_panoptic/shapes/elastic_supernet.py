# Widths and depths are searched too: an architecture is its network (docs/elastic.md).
_base_ = "./supernet.py"

# The cost is to be spent on the backbone: it is wide here, the mask head narrow.
widths = ["x50", "x100", "x150", "x200"]
model = dict(
    backbone=dict(channels=(64, 96, 192, 384, 640), shuffle="braided"),
    neck=dict(in_channels=[96, 192, 384, 640]),
    elastic=dict(
        stage_widths=widths,
        stage_depths=[["d1", "d2"], ["d1", "d2"], ["d2", "d3", "d4"], ["d1", "d2"]],
        pyramid_width=widths,
        mask_width=["x25", "x50", "x75", "x100"],
        semantic_width=widths,
    ),
)
