# The best network of at most so many multiply-accumulates, spent to nine tenths at least.
_base_ = "./elastic_supernet.py"

val_cfg = dict(
    type="SearchLoop",
    strategy=dict(
        type="Evolution",
        generations=4,
        population=8,
        parents=3,
        mutants=3,
        crosses=3,
    ),
    recalibration=_base_.recalibration,
    budgets=[dict(quantity="macs", scope="network", size=(128, 128), limit=150e6, spend=0.9)],
)
val_evaluator = dict(table=False)
