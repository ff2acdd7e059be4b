# search_evolution.py over the networks that supernet_released.py trains.
_base_ = "./supernet_released.py"

val_cfg = dict(
    type="SearchLoop",
    strategy=dict(
        type="Evolution", generations=20, population=50, parents=10, mutants=20, crosses=20
    ),
    recalibration=_base_.recalibration,
)
val_evaluator = dict(table=False)
