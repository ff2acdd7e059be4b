"""Auto-Panoptic's own search policy (SPEC section 9)."""

import numpy as np

from mmpanonas.errors import InputError
from mmpanonas.search.strategy import Legal, Strategy
from mmpanonas.space import Arch, SearchSpace


class PathPriority(Strategy):
    """Rank strictly fair paths, let each give its rank to the choices it uses, take the best.

    In every cycle each choice of a layer is used equally often. The path ranked r of n
    (0 is the best) adds n - 1 - r to the score of each (layer, choice) on it. The answer,
    each layer's best-scored choice, was never evaluated as a whole: it is proposed at the
    end, with the runners-up, which take the second best in the layer where that costs the
    least score, the second least, ...

    Args:
        space, seed, legal: as in ``Strategy``. A window with a path that is not legal is
            drawn again, so that the cycle stays fair.
        cycles, paths: C = 5 cycles of 12 paths in the paper; ``paths`` is a multiple of the
            space's window.
        runners_up: further candidates of the end.
        max_draws: windows drawn until one is legal.

    Raises:
        InputError: ``paths`` is not a multiple of the window, or no window is legal.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int = 0,
        legal: Legal | None = None,
        cycles: int = 5,
        paths: int = 12,
        runners_up: int = 4,
        max_draws: int = 1000,
    ) -> None:
        super().__init__(space, seed, legal)
        if paths < 2 or paths % space.window:
            raise InputError(
                f"path priority: {paths} paths a cycle cannot use every choice equally often; "
                f"expected a multiple of {space.window}"
            )
        if min(cycles, max_draws) < 1 or runners_up < 0:
            raise InputError("path priority: cycles and max_draws must be positive")
        self.cycles, self.paths, self.runners_up = cycles, paths, runners_up
        self.max_draws, self.total = max_draws, cycles * paths + 1 + runners_up
        self.board = np.zeros((len(space.num_choices), space.num_choices.max()), dtype=np.int64)
        self._cycle = -1
        self._round: list[Arch] = []
        self._scores: dict[Arch, float] = {}
        self._best_path = -np.inf
        self._waiting: list[Arch] = []
        self._advance()

    @property
    def done(self) -> bool:
        """Whether the winner and the runners-up have been told."""
        return self._cycle > self.cycles

    def propose(self, limit: int) -> list[Arch]:
        """The next of the current cycle; empty while its scores are awaited."""
        proposed, self._waiting = self._waiting[:limit], self._waiting[limit:]
        return proposed

    def tell(self, arch: Arch, score: float) -> None:
        """Record a score; the last of a cycle fills the scoreboard and starts the next."""
        if arch not in self._round:
            raise ValueError(f"told the score of an architecture that was not proposed: {arch}")
        self._scores[arch] = score
        if not self._waiting and all(path in self._scores for path in self._round):
            self._finish_round()
            self._advance()

    def label(self, arch: Arch) -> dict:
        """The cycle as generation; the winner and its runners-up come after the last."""
        return dict(generation=self._cycle)

    def report(self) -> dict[str, list[dict[str, int]]]:
        """The scoreboard: the score of every choice of every searched layer, part by part."""
        rows = iter(self.board.tolist())
        return {
            part.name: [
                dict(zip(part.choices, next(rows), strict=False)) for _ in range(part.layers)
            ]
            for part in self.space.searched
        }

    def finalists(self) -> list[Arch]:
        """Each layer's best choice (the first of equals), then the legal runners-up."""
        playing = np.arange(self.board.shape[1]) < self.space.num_choices[:, None]
        board = np.where(playing, self.board, -1)
        order = np.argsort(-board, axis=1, kind="stable")
        layers = np.arange(len(board))
        gaps = board[layers, order[:, 0]] - board[layers, order[:, 1]]
        candidates = [order[:, 0]]
        for layer in np.argsort(gaps, kind="stable"):
            candidates.append(order[:, 0].copy())
            candidates[-1][layer] = order[layer, 1]
        legal = [arch for arch in map(self.space.decode, candidates) if self.legal(arch)]
        return legal[: 1 + self.runners_up]

    def _finish_round(self) -> None:
        if self._cycle == self.cycles:
            winner = self._scores[self._round[0]]
            verdict = "beats" if winner > self._best_path else "does not beat"
            self.note = (
                f"the scoreboard's winner scores {winner:.4g} and {verdict} the best path of the "
                f"cycles, {self._best_path:.4g}"
            )
            return
        self._best_path = max(self._best_path, *self._scores.values())
        ranked = sorted(self._round, key=lambda path: -self._scores[path])  # stable
        for rank, path in enumerate(ranked):
            codes = self.space.encode(path)
            self.board[np.arange(len(codes)), codes] += len(ranked) - 1 - rank

    def _advance(self) -> None:
        self._cycle += 1
        if self._cycle > self.cycles:
            return
        self._scores = {}
        self._round = self._draw() if self._cycle < self.cycles else self.finalists()
        self._waiting = list(dict.fromkeys(self._round))  # a path may come twice in a cycle
        if not self._round:
            self.note = "neither the winner of the scoreboard nor a runner-up keeps the budget"
            self._cycle += 1

    def _draw(self) -> list[Arch]:
        rng = np.random.default_rng([self.seed, self._cycle])
        paths: list[Arch] = []
        for _ in range(self.max_draws):
            window = self.space.fair_window(rng)
            if all(self.legal(path) for path in window):
                paths += window
            if len(paths) == self.paths:
                return paths
        raise InputError(
            f"path priority: {self.max_draws} draws gave no strictly fair window within the "
            f"budget; raise the limit, or search with Evolution"
        )
