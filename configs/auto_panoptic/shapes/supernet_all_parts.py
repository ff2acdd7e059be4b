# All five parts searched: the heads and the attention beside the backbone (SPEC sections 3, 4).
_base_ = "./supernet.py"

model = dict(
    roi_head=dict(mask_head=dict(type="SearchableMaskHead")),
    semantic_head=dict(type="SearchableSemanticHead"),
    things_to_stuff=dict(
        _delete_=True, type="ThingsToStuff", in_channels=256, out_channels=64, num_gates=4
    ),
    stuff_to_things=dict(
        _delete_=True, type="StuffToThings", in_channels=256, out_channels=64, num_gates=5
    ),
)
