"""Search strategies: propose and tell. They see architectures and scores, never a model."""

from mmpanonas.search.evolution import Evolution, cross, mutate
from mmpanonas.search.strategy import Strategy

#: What a config's ``strategy.type`` may say.
STRATEGIES: dict[str, type[Strategy]] = {"Evolution": Evolution}

__all__ = ["STRATEGIES", "Evolution", "Strategy", "cross", "mutate"]
