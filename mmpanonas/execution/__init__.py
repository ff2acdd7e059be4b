"""A search as a process: proposals, retries, workers. It needs neither torch nor a model."""

from mmpanonas.execution.attempt import Attempt, Evaluate, WorkerBrokenError
from mmpanonas.execution.executor import Executor, SerialExecutor, WorkersLostError
from mmpanonas.execution.raced import RacedSearch
from mmpanonas.execution.ray_workers import RayExecutor
from mmpanonas.execution.search import Search, SearchFailedError

#: Where candidates may be evaluated, by the name that ``val_cfg.executor.type`` gives.
EXECUTORS: dict[str, type[Executor]] = {"serial": SerialExecutor, "ray": RayExecutor}

__all__ = [
    "EXECUTORS",
    "Attempt",
    "Evaluate",
    "Executor",
    "RacedSearch",
    "RayExecutor",
    "Search",
    "SearchFailedError",
    "SerialExecutor",
    "WorkerBrokenError",
    "WorkersLostError",
]
