# PQ against the whole network's multiply-accumulates, over all sizes of the elastic space.
_base_ = "./elastic_search_evolution.py"

val_cfg = dict(
    strategy=dict(
        _delete_=True,
        type="Pareto",
        cost=dict(quantity="macs", scope="network", size=(128, 128)),
        generations=4,
        population=8,
    ),
    budgets=[],
)
