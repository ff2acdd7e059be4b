# PQ against the whole network's multiply-accumulates, with as many evaluations as the evolution.
_base_ = "./search_evolution.py"

val_cfg = dict(
    strategy=dict(
        _delete_=True,
        type="Pareto",
        cost=dict(quantity="macs", scope="network"),
        generations=20,
        population=50,
    )
)
