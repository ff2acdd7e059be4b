"""Auto-Panoptic's own search policy (paper, path-priority greedy search)."""

from itertools import islice

import numpy as np

from mmpanonas.errors import InputError
from mmpanonas.space import Arch, SearchSpace
from mmpanonas.strategies.scoreboard import Scoreboard
from mmpanonas.strategies.strategy import FAILED, Legal, Strategy
from mmpanonas.values import Count, PositiveInt, Seed, checked

#: Strictly fair paths of a cycle in the paper; every space's window divides it.
CYCLE = 12


def check_cycle(finished: int, paths: int) -> None:
    """Raise ``InputError`` unless ``finished`` paths make a cycle: the scoreboard is empty."""
    if finished < paths:
        raise InputError(
            f"path priority: {finished} finished paths, fewer than a cycle of {paths}: there is "
            f"no scoreboard yet; let the search go on (tools/search.py --resume)"
        )


class PathPriority(Strategy):
    """Rank strictly fair paths, let each give its rank to the choices it uses, take the best.

    In every cycle each choice of a layer is used equally often, and the ranked paths go into
    the :class:`Scoreboard`. Its winner, each layer's best choice, was never evaluated as a
    whole: it is proposed at the end, with the runners-up that follow ``by_lost_score``.

    Args:
        space, seed, legal: as in ``Strategy``. A window with a path that is not legal is
            drawn again, so that the cycle stays fair. Where no window is legal (a limit below the
            space's mean), or budgets are to be spent, its paths are repaired.
        cycles, paths: C = 5 cycles of 12 paths in the paper; ``paths`` is a multiple of the
            space's window.
        runners_up: new architectures beside the winner. Evaluations that are saved, since a
            path came twice, or the winner was a path or is not legal, go to further ones.
        max_draws: windows drawn until one is legal, and architectures looked at for the end.

    Raises:
        InputError: ``paths`` is not a multiple of the window, or no window is legal.
    """

    @checked
    def __init__(
        self,
        space: SearchSpace,
        seed: Seed = 0,
        legal: Legal | None = None,
        cycles: PositiveInt = 5,
        paths: PositiveInt = CYCLE,
        runners_up: Count = 4,
        max_draws: PositiveInt = 1000,
    ) -> None:
        super().__init__(space, seed, legal)
        if paths < 2 or paths % space.window:
            raise InputError(
                f"path priority: {paths} paths a cycle cannot use every choice equally often; "
                f"expected a multiple of {space.window}"
            )
        self.cycles, self.paths, self.runners_up = cycles, paths, runners_up
        self.max_draws, self.total = max_draws, cycles * paths + 1 + runners_up
        self.board = Scoreboard(space)
        self._repairs = self.limits is not None and self.limits.spends
        self._paths: list[Arch] = []  # of all cycles so far, in the order of their windows
        self._round: list[Arch] = []  # the current cycle's, or the finalists
        self._waiting: list[Arch] = []
        self._born: dict[Arch, int] = {}
        self._scores: dict[Arch, float] = {}
        self._cycle = -1
        self._begin_round()

    @property
    def done(self) -> bool:
        """Whether the winner and the runners-up have been told."""
        return self._cycle > self.cycles

    @property
    def finished(self) -> int:
        """Paths of the cycles whose score is known; one that came twice counts twice."""
        return sum(path in self._scores for path in self._paths)

    def propose(self, limit: int) -> list[Arch]:
        """The next of the current cycle; empty while its scores are awaited."""
        proposed, self._waiting = self._waiting[:limit], self._waiting[limit:]
        return proposed

    def tell(self, arch: Arch, score: float) -> None:
        """Record a score; the last of a cycle fills the scoreboard and starts the next."""
        if arch not in self._born:
            raise ValueError(f"told the score of an architecture that was not proposed: {arch}")
        self._scores[arch] = score
        # In a small space a whole cycle, or the end, may hold nothing new.
        while not self.done and all(path in self._scores for path in self._round):
            self._finish_round()
            self._begin_round()

    def label(self, arch: Arch) -> dict:
        """The cycle as generation; the winner and its runners-up come after the last."""
        return dict(generation=self._born[arch])

    def report(self) -> dict:
        """The ``scoreboard`` of the whole cycles so far, and the ``note``.

        Beside them ``finished_paths`` and ``paths`` of a cycle.
        """
        return dict(
            finished_paths=self.finished,
            paths=self.paths,
            scoreboard=self.board.to_dict(),
            note=self.note,
        )

    def finalists(self) -> list[Arch]:
        """The winner if it is legal, then the runners-up: legal, and no paths of the cycles.

        Raises:
            InputError: no cycle is finished.
        """
        check_cycle(self.finished, self.paths)
        drawn = set(self._paths)
        slots = 1 + self.runners_up + len(self._paths) - len(drawn)
        found: list[Arch] = []
        for place, arch in enumerate(islice(self.board.by_lost_score(), self.max_draws)):
            if self.legal(arch) and (place == 0 or arch not in drawn):
                found.append(arch)
                slots -= arch not in drawn
            if not slots:
                break
        return found

    def _begin_round(self) -> None:
        self._cycle += 1
        if self.done:
            return
        if self._cycle < self.cycles:
            self._round = self._draw()
            self._paths += self._round
        else:
            self._round = self.finalists()
        self._waiting = [arch for arch in dict.fromkeys(self._round) if arch not in self._born]
        self._born |= dict.fromkeys(self._waiting, self._cycle)
        if self._cycle == self.cycles:
            self.total = len(self._born)

    def _finish_round(self) -> None:
        if self._cycle == self.cycles:
            self.note = self._verdict()
        else:
            self.board.add(sorted(self._round, key=lambda path: -self._scores[path]))  # stable

    def _verdict(self) -> str:
        """Whether the winner beats the best path, or why that cannot be said."""
        best = max(self._scores[path] for path in self._paths)
        winner, runners_up = self.board.winner, self._round
        words = [f"the best path of the cycles scores {best:.6g}"]
        if failed := sum(self._scores[path] == FAILED for path in self._paths):
            words.append(f"{failed} paths that failed are ranked last")
        if winner in self._round:
            runners_up = self._round[1:]
            known = ", itself one of the paths," if winner in self._paths else ""
            words.append(f"the scoreboard's winner{known} {_against(self._scores[winner], best)}")
        else:
            words.append("the scoreboard's winner breaks the budget and was not evaluated")
        if runners_up:
            top = max(self._scores[arch] for arch in runners_up)
            words.append(f"the best of {len(runners_up)} runners-up {_against(top, best)}")
        if missing := self.cycles * self.paths + 1 + self.runners_up - self.total:
            words.append(
                f"{missing} evaluations fewer than planned: no other of the {self.max_draws} "
                f"architectures nearest to the winner is new and within the budget"
            )
        return "; ".join(words)

    def _draw(self) -> list[Arch]:
        rng = np.random.default_rng([self.seed, self._cycle])
        paths: list[Arch] = []
        for _ in range(0 if self._repairs else self.max_draws):
            window = self.space.fair_window(rng)
            if all(self.legal(path) for path in window):
                paths += window
            if len(paths) == self.paths:
                return paths
        if self.limits is not None:
            self._repairs = True  # so do the next cycles
            return self._repaired(rng)
        raise InputError(
            f"path priority: {self.max_draws} draws gave no strictly fair window within the "
            f"budget; raise the limit, or search with Evolution"
        )

    def _repaired(self, rng: np.random.Generator) -> list[Arch]:
        """Fair windows whose paths are brought within the budgets one by one.

        The cheaper choices are used more often then, and the scoreboard counts points per use.
        """
        paths: list[Arch] = []
        self.board.per_use = True
        for _ in range(self.paths // self.space.window):
            for path in self.space.fair_window(rng):
                legal = self.limits.repaired(self.space.encode(path), rng)
                if legal is None:
                    raise InputError(
                        "path priority: a path could not be brought within the budgets; raise a "
                        "limit, or search with Evolution"
                    )
                paths.append(legal)
        return paths


def _against(score: float, best: float) -> str:
    if score == FAILED:
        return "failed"
    verdict = "beats" if score > best else "equals" if score == best else "does not beat"
    return f"scores {score:.6g} and {verdict} it"
