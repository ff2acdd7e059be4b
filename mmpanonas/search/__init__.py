"""Search strategies: propose and tell. They see architectures and scores, never a model."""

from mmpanonas.search.evolution import Evolution, Random, cross, mutate
from mmpanonas.search.pareto import Pareto
from mmpanonas.search.path_priority import PathPriority, check_cycle
from mmpanonas.search.replay import found, replay
from mmpanonas.search.scoreboard import Scoreboard
from mmpanonas.search.strategy import FAILED, Strategy
from mmpanonas.search.stratified import draw_stratified

#: What a config's ``strategy.type`` may say.
STRATEGIES: dict[str, type[Strategy]] = {
    kind.__name__: kind for kind in (Evolution, Pareto, PathPriority, Random)
}

__all__ = [
    "FAILED",
    "STRATEGIES",
    "Evolution",
    "Pareto",
    "PathPriority",
    "Random",
    "Scoreboard",
    "Strategy",
    "check_cycle",
    "cross",
    "draw_stratified",
    "found",
    "mutate",
    "replay",
]
