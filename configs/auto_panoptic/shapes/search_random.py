# The baseline, with as many evaluations as the evolution.
_base_ = "./search_evolution.py"

val_cfg = dict(strategy=dict(_delete_=True, type="Random", total=32))
