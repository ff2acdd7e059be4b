# The best network of at most so many multiply-accumulates, spent to nine tenths at least.
_base_ = "./elastic_supernet.py"

val_cfg = dict(
    type="SearchLoop",
    strategy=dict(
        type="Evolution",
        generations=20,
        population=50,
        parents=10,
        mutants=20,
        crosses=20,
    ),
    recalibration=_base_.recalibration,
    budgets=[dict(quantity="macs", scope="network", size=(800, 1333), limit=150e9, spend=0.9)],
)
val_evaluator = dict(table=False)
