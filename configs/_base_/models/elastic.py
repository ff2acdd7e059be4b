# Widths and depths as parts (docs/elastic.md), merged into the paper's network: see
# auto_panoptic/coco/elastic_supernet.py.
widths = ["x50", "x100", "x150", "x200"]
depths = ["d4", "d6", "d8"]
elastic_space = dict(
    # Group norms keep 8 channels a group at every width, as those of the published network.
    backbone=dict(channels=(64, 128, 320, 640, 1280), shuffle="braided"),
    neck=dict(in_channels=[128, 320, 640, 1280]),
    elastic=dict(
        stage_widths=widths,
        stage_depths=[depths, depths, ["d8", "d12", "d16"], depths],
        pyramid_width=["x50", "x75", "x100", "x125"],
        mask_width=["x25", "x50", "x75", "x100"],
        semantic_width=widths,
    ),
)
