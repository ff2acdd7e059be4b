_base_ = "./supernet.py"

val_cfg = dict(
    type="SearchLoop",
    strategy=dict(type="Evolution", generations=4, population=8, parents=3, mutants=3, crosses=3),
    recalibration=_base_.recalibration,
)
val_evaluator = dict(table=False)
