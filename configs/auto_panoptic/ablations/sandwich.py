# Of every four passes one takes the largest widths, one the smallest, two are drawn.
_base_ = "../shapes/elastic_search_evolution.py"

default_hooks = dict(fairness=dict(type="SandwichHook"))
