# As many evaluations as the evolution: two cycles of 12, the winner, and 7 runners-up.
_base_ = "./search_evolution.py"

val_cfg = dict(strategy=dict(_delete_=True, type="PathPriority", cycles=2, runners_up=7))
