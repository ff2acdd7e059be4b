"""Search strategies: propose and tell. They see architectures and scores, never a model."""

from mmpanonas.strategies.evolution import Evolution, Random, cross, mutate
from mmpanonas.strategies.pareto import Pareto
from mmpanonas.strategies.path_priority import PathPriority, check_cycle
from mmpanonas.strategies.scoreboard import Scoreboard
from mmpanonas.strategies.strategy import FAILED, LEFT, Strategy

#: What a config's ``strategy.type`` may say.
STRATEGIES: dict[str, type[Strategy]] = {
    kind.__name__: kind for kind in (Evolution, Pareto, PathPriority, Random)
}

__all__ = [
    "FAILED",
    "LEFT",
    "STRATEGIES",
    "Evolution",
    "Pareto",
    "PathPriority",
    "Random",
    "Scoreboard",
    "Strategy",
    "check_cycle",
    "cross",
    "mutate",
]
