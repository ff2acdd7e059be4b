"""What a search leaves on disk; read and written here only."""

from mmpanonas.records.cache import Cache
from mmpanonas.records.candidates import (
    Candidate,
    describe_results,
    ranked,
    read_candidates,
    read_numbered,
    read_seconds,
)
from mmpanonas.records.directory import SearchDirectory, check_no_result
from mmpanonas.records.identities import check_identity
from mmpanonas.records.jsonlines import JsonLines, SearchDirectoryError
from mmpanonas.records.reading import read_identity, read_object, read_report, read_tries
from mmpanonas.records.rungs import Picture, Rungs, Seen
from mmpanonas.records.search_data import SearchData, read_search
from mmpanonas.records.tries import Outcome, Part, Task

__all__ = [
    "Cache",
    "Candidate",
    "JsonLines",
    "Outcome",
    "Part",
    "Picture",
    "Rungs",
    "SearchData",
    "SearchDirectory",
    "SearchDirectoryError",
    "Seen",
    "Task",
    "check_identity",
    "check_no_result",
    "describe_results",
    "ranked",
    "read_candidates",
    "read_identity",
    "read_numbered",
    "read_object",
    "read_report",
    "read_search",
    "read_seconds",
    "read_tries",
]
