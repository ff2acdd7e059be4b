"""A search that races: whoever cannot be among the best any more is evaluated no further."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mmpanonas.execution.executor import Executor
from mmpanonas.execution.search import Search
from mmpanonas.racing import Contestant, PairedTest, PictureCounts, Race
from mmpanonas.records import Candidate, Outcome, Part, Rungs, Seen, Task
from mmpanonas.strategies import LEFT


@dataclass
class _Racer:
    """A candidate in the race: what it has seen, and the seconds that it took in this start."""

    task: Task
    seen: Seen = field(default_factory=lambda: Seen([], {}))
    seconds: float = 0.0


class RacedSearch(Search):
    """All that a strategy proposes before it waits for scores run one race.

    They see the pictures in one order, rung by rung, and whoever the rule sends away after a rung
    has no score (``LEFT``). A rung is a barrier: who leaves depends on counts alone, not on the
    order in which they came. Results follow from ``rungs.jsonl``, which is written as they come: a
    search that goes on asks for the pictures alone that nobody has seen.

    Args:
        args, kwargs: of ``Search``; without a cache, which keeps no counts.
        race: the rule.
        pictures: how many there are.
        classes: the labels whose PQ is the fitness.
    """

    def __init__(self, *args, race: Race, pictures: int, classes: range, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.race, self.pictures, self.classes = race, pictures, classes
        self.rungs = race.rungs(pictures)
        self._rung = 0
        self._field: dict[int, _Racer] = {}
        # Of earlier races, those that are still among the best.
        self._finished: list[Contestant] = []
        self._log = Rungs(self.directory.path, self.say)
        self._seen: dict[int, Seen] = {}

    def run(self, executor: Executor) -> list[Candidate]:
        """As ``Search.run``."""
        self._seen = self._log.read()
        return super().run(executor)

    def _propose(self, room: int) -> None:
        while not self._field:
            tasks = list(self._proposals())
            if not tasks:
                return
            self._rung = 0
            for task in tasks:
                known = self._known(task)
                if known is not None and known.failed:
                    self._on_disk.pop(task.index)
                    self._tell(known)
                else:
                    seen = self._seen.pop(task.index, Seen([], {}))
                    self._field[task.index] = _Racer(task, seen)
            self._go_on()

    def _proposals(self) -> Iterator[Task]:
        while archs := self.strategy.propose(self.strategy.total):
            for arch in archs:
                yield Task(self._proposed, arch)
                self._proposed += 1

    def _go_on(self) -> None:
        """End rungs until somebody must see pictures first, or the race is over."""
        while self._field:
            stop = self.rungs[self._rung]
            for racer in self._field.values():
                seen = racer.seen.pictures
                if len(seen) < stop:
                    part = Part(len(seen), stop, seen)
                    self._todo.append(replace(racer.task, part=part))
            if self._todo:
                return
            self._end_rung(stop)

    def _end_rung(self, stop: int) -> None:
        if stop == self.pictures:
            self._end_race()
            return
        places = list(self._field)
        running = [self._contestant(racer, stop) for racer in self._field.values()]
        finished = [replace(each, counts=each.counts.first(stop)) for each in self._finished]
        leaving = self.race.leaving(running, finished, self.strategy.seats, self.pictures)
        for place in leaving:
            counts = running[place].counts
            self._end(places[place], "left", stop, list(counts.interval(self.pictures)))
        self._rung += 1

    def _end_race(self) -> None:
        everyone = [*self._finished]
        everyone += [self._contestant(each, self.pictures) for each in self._field.values()]
        beaten = PairedTest(z=0).leaving(everyone, [], self.strategy.seats, self.pictures)
        self._finished = [each for place, each in enumerate(everyone) if place not in beaten]
        for index in sorted(self._field):
            self._end(index, "done", self.pictures)

    def _contestant(self, racer: _Racer, stop: int) -> Contestant:
        by_label = [
            {label: counts for label, *counts in rows} for _, _, rows in racer.seen.pictures[:stop]
        ]
        cost = self.strategy.second_goal(racer.task.arch)
        return Contestant(PictureCounts.of(by_label, self.classes), cost)

    def _end(self, index: int, state: str, pictures: int, interval: list | None = None) -> None:
        """Put what came of a candidate on disk, unless it is there, and tell it."""
        racer = self._field.pop(index)
        record = self._record(
            racer.task, racer.seen.metrics, state=state, pictures=pictures, interval=interval
        )
        known = self._on_disk.pop(index, None)
        if known is None:
            outcome = Outcome(index, "race", racer.seconds, racer.seen.metrics)
            self._put(record, outcome)
        elif known != record:
            raise self._strange(known, "another result than its pictures in rungs.jsonl give")
        else:
            self._tell(record)

    def _settle(self, task: Task, outcome: Outcome) -> None:
        if outcome.reason:
            del self._field[task.index]
            super()._settle(task, outcome)
        else:
            racer = self._field[task.index]
            self._log.append(task.index, task.part.start, outcome.pictures, outcome.metrics)
            self.directory.append_try(outcome)
            racer.seen = Seen([*task.part.held, *outcome.pictures], outcome.metrics)
            racer.seconds += outcome.seconds
        if not (self._todo or self._running):
            self._go_on()

    def _score(self, record: Candidate) -> float:
        return LEFT if record.state == "left" else super()._score(record)
