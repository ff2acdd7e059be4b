# Widths and depths are searched too: an architecture is its network (docs/elastic.md).
_base_ = "./supernet.py"

widths = ["x50", "x100", "x150", "x200"]
model = dict(
    # Group norms of 8 channels at every width of a part, as those of the published network.
    backbone=dict(channels=(64, 128, 320, 640, 1280), shuffle="braided"),
    neck=dict(in_channels=[128, 320, 640, 1280]),
    elastic=dict(
        stage_widths=widths,
        stage_depths=[
            ["d4", "d6", "d8"],
            ["d4", "d6", "d8"],
            ["d8", "d12", "d16"],
            ["d4", "d6", "d8"],
        ],
        pyramid_width=["x50", "x75", "x100", "x125"],
        mask_width=["x25", "x50", "x75", "x100"],
        semantic_width=widths,
    ),
)
