"""A search as a process: results on disk, retries, workers. It needs neither torch nor a model."""

from mmpanonas.execution.attempt import (
    Attempt,
    Evaluate,
    Outcome,
    Task,
    WorkerBrokenError,
)
from mmpanonas.execution.attempts import Attempts
from mmpanonas.execution.cache import Cache
from mmpanonas.execution.directory import Record, SearchDirectory, read_records, read_seconds
from mmpanonas.execution.executor import Executor, SerialExecutor, WorkersLostError
from mmpanonas.execution.jsonlines import SearchDirectoryError
from mmpanonas.execution.ray_workers import RayExecutor
from mmpanonas.execution.search import Search, SearchFailedError
from mmpanonas.execution.sockets import SocketExecutor, serve

__all__ = [
    "Attempt",
    "Attempts",
    "Cache",
    "Evaluate",
    "Executor",
    "Outcome",
    "RayExecutor",
    "Record",
    "Search",
    "SearchDirectory",
    "SearchDirectoryError",
    "SearchFailedError",
    "SerialExecutor",
    "SocketExecutor",
    "Task",
    "WorkerBrokenError",
    "WorkersLostError",
    "read_records",
    "read_seconds",
    "serve",
]
