# Widths and depths are searched too: an architecture is its network (docs/elastic.md).
_base_ = ["./supernet.py", "../../_base_/models/elastic.py"]

model = _base_.elastic_space
default_hooks = dict(fairness=dict(type="SandwichHook"))
