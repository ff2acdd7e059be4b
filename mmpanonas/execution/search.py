"""A search: what a strategy proposes is evaluated, put on disk and told; nothing else."""

import math
from collections import Counter, deque
from collections.abc import Callable

from mmpanonas.errors import InputError
from mmpanonas.execution.executor import Executor
from mmpanonas.records import (
    Cache,
    Candidate,
    Outcome,
    SearchDirectory,
    SearchDirectoryError,
    Task,
    ranked,
)
from mmpanonas.space import Arch
from mmpanonas.strategies import FAILED, Strategy


class SearchFailedError(InputError):
    """No candidate could be evaluated."""


class Search:
    """Search in a directory to the end; killed and begun again it ends the same.

    Args:
        strategy: fresh; what lies on disk is told to it again.
        directory: of this very search.
        metric: the fitness.
        cost: of an architecture, to be recorded.
        max_tries: how often a candidate may fail before it is recorded as failed.
        give_up_after: end the search when that many candidates, counted from the first, have
            all failed: the evaluator is broken, not they. None: never.
        cache: where to look first.
        listen: called with this search, the new record and the outcome, after each result.
        say: called with a sentence when something went wrong that the search gets over.

    Attributes:
        records: results by index, those of former starts included.
    """

    def __init__(
        self,
        strategy: Strategy,
        directory: SearchDirectory,
        metric: str,
        cost: Callable[[Arch], dict[str, float]] = lambda arch: {},
        max_tries: int = 2,
        give_up_after: int | None = 5,
        cache: Cache | None = None,
        listen: Callable[["Search", Candidate, Outcome], None] = lambda *_: None,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        if max_tries < 1 or (give_up_after is not None and give_up_after < 1):
            raise InputError(
                f"max_tries and give_up_after: expected 1 or more, got {max_tries} and "
                f"{give_up_after}"
            )
        self.strategy, self.directory, self.metric, self.cost = strategy, directory, metric, cost
        self.max_tries, self.give_up_after = max_tries, give_up_after
        self.cache, self.listen, self.say = cache, listen, say
        self.records: dict[int, Candidate] = {}
        self._on_disk: dict[int, Candidate] = {}
        self._tries: Counter[int] = Counter()
        self._proposed = 0
        self._todo: deque[Task] = deque()
        self._running: dict[int, Task] = {}

    def run(self, executor: Executor) -> list[Candidate]:
        """Search to the end; returns all results, by index.

        Raises:
            SearchFailedError: none has metrics, or the first ones have not.
        """
        self._recall()
        with executor:
            while True:
                # One at least, so that an end is known without asking for workers.
                self._propose(max(1, executor.free))
                if self.strategy.done:
                    break
                while self._todo and executor.free:
                    task = self._todo.popleft()
                    self._running[task.index] = task
                    executor.submit(task)
                if not (self._todo or self._running):
                    raise RuntimeError("the strategy proposes nothing and waits for nothing")
                for outcome in executor.wait():
                    self._take(outcome)
        return self._finish()

    @property
    def failures(self) -> str:
        """How many candidates failed and why, or ""."""
        reasons: dict[str, list[int]] = {}
        for index, record in sorted(self.records.items()):
            if record.failed:
                reasons.setdefault(record.reason or "", []).append(index)
        if not reasons:
            return ""
        details = "; ".join(
            f"{reason} ({', '.join(map(str, places[:10]))}{', ...' * (len(places) > 10)})"
            for reason, places in reasons.items()
        )
        number = sum(map(len, reasons.values()))
        return f"{number} of {len(self.records)} candidates failed: {details}"

    def _recall(self) -> None:
        """Read what is on disk; failures of a broken evaluator are to be tried again."""
        self._on_disk = {record.index: record for record in self.directory.read()}
        for record in self._on_disk.values():
            if not (record.failed or math.isfinite(record.metrics.get(self.metric, math.nan))):
                raise self._strange(record, f"no number as {self.metric}")
            if record.index >= self.strategy.total:
                raise self._strange(record, f"a place beyond the {self.strategy.total} planned")
        if self._hopeless(self._on_disk):
            self._on_disk = {i: r for i, r in self._on_disk.items() if not r.failed}
            self.directory.replace(list(self._on_disk.values()))
            self.say("the first candidates had all failed: they are tried again")

    def _strange(self, record: Candidate, what: str) -> SearchDirectoryError:
        return SearchDirectoryError(
            f"{self.directory.results.path} gives candidate {record.index} {what}: restore or "
            f'remove the line that begins with {{"index": {record.index}, or choose another '
            f"--work-dir"
        )

    def _hopeless(self, records: dict[int, Candidate]) -> bool:
        if self.give_up_after is None:
            return False
        first = range(min(self.give_up_after, self.strategy.total))
        return len(first) > 0 and all(i in records and records[i].failed for i in first)

    def _propose(self, room: int) -> None:
        """Queue ``room`` tasks; what is known is told at once and takes no room."""
        while len(self._todo) < room:
            archs = self.strategy.propose(room - len(self._todo))
            if not archs:
                return
            for arch in archs:
                self._place(Task(self._proposed, arch))
                self._proposed += 1

    def _place(self, task: Task) -> None:
        known = self._known(task)
        if known is not None:
            del self._on_disk[task.index]
            self._tell(known)
            return
        metrics = self.cache.get(task.arch) if self.cache else None
        if metrics and math.isfinite(metrics.get(self.metric, math.nan)):
            self._settle(task, Outcome(task.index, "cache", 0.0, metrics))
        else:
            self._todo.append(task)

    def _known(self, task: Task) -> Candidate | None:
        """What is on disk of a task. Raises ``SearchDirectoryError`` if that is another one's."""
        known = self._on_disk.get(task.index)
        if known is not None and known.arch != task.arch:
            raise self._strange(known, "another architecture than this strategy proposes")
        return known

    def _take(self, outcome: Outcome) -> None:
        """Record an outcome, or try its task again."""
        task = self._running.pop(outcome.index)
        if outcome.reason is not None:
            self._tries[task.index] += outcome.counts
            if self._tries[task.index] < self.max_tries:
                self.directory.append_try(outcome)
                self._todo.appendleft(task)
                self.say(
                    f"candidate {task.index} failed on {outcome.worker} ({outcome.reason}), "
                    f"try {self._tries[task.index]} of {self.max_tries}"
                )
                return
        self._settle(task, outcome)
        if outcome.reason is None and self.cache:
            self.cache.put(task.arch, outcome.metrics)

    def _settle(self, task: Task, outcome: Outcome) -> None:
        """Put a new result on disk, then tell it."""
        state = "failed" if outcome.reason else "done"
        record = self._record(task, outcome.metrics or {}, state=state, reason=outcome.reason)
        self.directory.append_try(outcome, record)
        self._put(record, outcome)

    def _record(self, task: Task, metrics: dict[str, float], **more: object) -> Candidate:
        cost, label = self.cost(task.arch), self.strategy.label(task.arch)
        return Candidate(task.index, task.arch, metrics, cost, **label, **more)

    def _put(self, record: Candidate, outcome: Outcome) -> None:
        self.directory.append(record)
        if record.failed:
            self.say(f"candidate {record.index} is recorded as failed: {record.reason}")
        self._tell(record)
        self.directory.write_report(self.strategy.report())
        self.listen(self, record, outcome)
        if record.failed and self._hopeless(self.records):
            raise SearchFailedError(
                f"the first candidates all failed, the last with: {record.reason}. Nothing is "
                f"lost: fix the cause, then go on with --resume, which tries them again (or "
                f"raise val_cfg.give_up_after)"
            )

    def _tell(self, record: Candidate) -> None:
        self.records[record.index] = record
        self.strategy.tell(record.arch, self._score(record))

    def _score(self, record: Candidate) -> float:
        return FAILED if record.failed else record.metrics[self.metric]

    def _finish(self) -> list[Candidate]:
        """Bring the results into order and write the answer."""
        for record in self._on_disk.values():
            raise self._strange(record, "a place that this strategy does not come to")
        records = [self.records[index] for index in sorted(self.records)]
        best_first = ranked(records, self.metric)
        self.directory.write_report(self.strategy.report())
        self.directory.replace(records)
        if not best_first:
            raise SearchFailedError(
                self.failures or f"the search evaluated nothing: {self.strategy.note}"
            )
        self.directory.write_answer(best_first)
        return records
