_base_ = "./search_evolution.py"

val_cfg = dict(strategy=dict(_delete_=True, type="PathPriority"))
