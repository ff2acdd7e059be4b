# Does the supernet's ranking mean something? On shapes, two CPU cores (../README.md):
#     python -m studies.ranking studies/ranking/configs/shapes.py
_base_ = "../../_base_/shapes_96.py"

custom_imports = dict(imports=["mmpanonas.register", "studies.ranking.plan"])
limits = dict(thing_area_limit=8 * 8, stuff_area_limit=12 * 12)
study = dict(
    alone="shapes_alone.py",
    cost=dict(quantity="macs", scope="network", size=(96, 96)),
    repeated=16,
    searches=3,
    samplings=dict(fair="StrictFairnessHook", uniform="UniformSamplingHook"),
    recalibrations=dict(
        pooled_100=dict(num_images=100),
        none=dict(num_images=0),
        pooled_25=dict(num_images=25),
        pooled_500=dict(num_images=500),
        moving_500=dict(num_images=500, momentum=0.1),
    ),
    fusions=dict(
        paper=dict(preset="paper", test_cfg=limits),
        released=dict(preset="released", test_cfg=dict(stuff_area_limit=12 * 12)),
    ),
    baseline=dict(
        roi_head=dict(mask_head=dict(type="FCNMaskHead")),
        semantic_head=dict(type="SharedSemanticHead"),
        things_to_stuff=None,
        stuff_to_things=None,
    ),
)
