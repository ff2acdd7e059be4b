# Every pass draws its path uniformly, instead of windows that use each choice equally often.
_base_ = "../shapes/search_evolution.py"

default_hooks = dict(fairness=dict(type="UniformSamplingHook"))
