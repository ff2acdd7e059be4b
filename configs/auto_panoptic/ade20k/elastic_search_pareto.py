# PQ against the whole network's multiply-accumulates, over all sizes of the elastic space.
_base_ = ["./search_pareto.py", "../../_base_/models/elastic.py"]

model = _base_.elastic_space
default_hooks = dict(fairness=dict(type="SandwichHook"))
val_cfg = dict(strategy=dict(cost=dict(size=(512, 683))))
