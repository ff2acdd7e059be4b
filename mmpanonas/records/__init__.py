"""What a search leaves on disk; read and written here only."""

from mmpanonas.records.cache import Cache
from mmpanonas.records.directory import SearchDirectory, check_no_result
from mmpanonas.records.identities import check_identity
from mmpanonas.records.jsonlines import JsonLines, SearchDirectoryError
from mmpanonas.records.reading import read_identity, read_object, read_report, read_tries
from mmpanonas.records.record import (
    Record,
    describe_results,
    read_numbered,
    read_records,
    read_seconds,
)
from mmpanonas.records.tries import Outcome, Task

__all__ = [
    "Cache",
    "JsonLines",
    "Outcome",
    "Record",
    "SearchDirectory",
    "SearchDirectoryError",
    "Task",
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
]
