"""A search as a process: results on disk, retries, workers. It needs neither torch nor a model."""

from mmpanonas.execution.attempt import (
    Attempt,
    Evaluate,
    Outcome,
    Task,
    WorkerBrokenError,
)
from mmpanonas.execution.cache import Cache
from mmpanonas.execution.directory import SearchDirectory, check_no_result
from mmpanonas.execution.executor import Executor, SerialExecutor, WorkersLostError
from mmpanonas.execution.identities import check_identity
from mmpanonas.execution.jsonlines import JsonLines, SearchDirectoryError
from mmpanonas.execution.processes import alone_in, run_processes
from mmpanonas.execution.ray_workers import RayExecutor
from mmpanonas.execution.reading import read_identity, read_object, read_report, read_tries
from mmpanonas.execution.record import (
    Record,
    describe_results,
    read_numbered,
    read_records,
    read_seconds,
)
from mmpanonas.execution.search import Search, SearchFailedError

#: Where candidates may be evaluated, by the name that ``val_cfg.executor.type`` gives.
EXECUTORS: dict[str, type[Executor]] = {"serial": SerialExecutor, "ray": RayExecutor}

__all__ = [
    "EXECUTORS",
    "Attempt",
    "Cache",
    "Evaluate",
    "Executor",
    "JsonLines",
    "Outcome",
    "RayExecutor",
    "Record",
    "Search",
    "SearchDirectory",
    "SearchDirectoryError",
    "SearchFailedError",
    "SerialExecutor",
    "Task",
    "WorkerBrokenError",
    "WorkersLostError",
    "alone_in",
    "check_identity",
    "check_no_result",
    "describe_results",
    "read_identity",
    "read_numbered",
    "read_object",
    "read_records",
    "read_report",
    "read_seconds",
    "read_tries",
    "run_processes",
]
