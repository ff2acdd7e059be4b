# The best network of at most so many multiply-accumulates, spent to nine tenths at least.
_base_ = ["./search_evolution.py", "../../_base_/models/elastic_tiny.py"]

model = _base_.elastic_space
default_hooks = dict(fairness=dict(type="SandwichHook"))
val_cfg = dict(
    budgets=[dict(quantity="macs", scope="network", size=(128, 128), limit=150e6, spend=0.9)]
)
