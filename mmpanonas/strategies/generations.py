"""What strategies of generations share: no architecture twice, bounded draws, waiting."""

from abc import abstractmethod
from collections.abc import Callable, Iterator

import numpy as np

from mmpanonas.space import Arch, SearchSpace
from mmpanonas.strategies.strategy import Legal, Strategy
from mmpanonas.values import PositiveInt, Seed, checked

#: Draws that are repaired until a search finds that there is no further architecture.
REPAIRS = 50


class Generations(Strategy):
    """The scores of one generation make the next; no architecture is proposed twice.

    Args:
        space, seed, legal: as in ``Strategy``.
        generations, population: how many, each of how many architectures.
        max_draws: how often a child may be redrawn until it is legal and new. When random
            ones fail as well, the search ends there and ``note`` says so.

    Attributes:
        scores: of every architecture told so far.

    Raises:
        InputError: numbers that are not positive, or nothing to search.
    """

    @checked
    def __init__(
        self,
        space: SearchSpace,
        seed: Seed,
        legal: Legal | None,
        generations: PositiveInt,
        population: PositiveInt,
        max_draws: PositiveInt,
    ) -> None:
        super().__init__(space, seed, legal)
        self.generations, self.population, self.max_draws = generations, population, max_draws
        self.total = generations * population
        self.scores: dict[Arch, float] = {}
        self._born: dict[Arch, int] = {}
        self._generation = -1
        self._waiting: list[Arch] = []

    grows = frozenset({"generations"})

    @abstractmethod
    def _breed(self, rng: np.random.Generator) -> Iterator[Arch | None]:
        """Yield the ``population`` children of the next generation, each legal and new.

        None instead of a child: bounded draws gave no further one. ``rng`` depends on the
        seed and the generation alone.
        """

    @property
    def done(self) -> bool:
        """Whether the last generation has been told."""
        return not self._waiting and len(self.scores) == len(self._born)

    def propose(self, limit: int) -> list[Arch]:
        """The next of the current generation; empty while its scores are awaited."""
        proposed, self._waiting = self._waiting[:limit], self._waiting[limit:]
        return proposed

    def tell(self, arch: Arch, score: float) -> None:
        """Record a score; the last of a generation starts the next."""
        if arch not in self._born:
            raise ValueError(f"told the score of an architecture that was not proposed: {arch}")
        self.scores[arch] = score
        if self.done:
            self._advance()

    def label(self, arch: Arch) -> dict:
        """The generation that proposed ``arch``, from 0."""
        return {"generation": self._born[arch]}

    def _advance(self) -> None:
        if self._generation + 1 == self.generations or self.note:
            return
        self._generation += 1
        self._rng = np.random.default_rng([self.seed, self._generation])
        for child in self._breed(self._rng):
            if child is None:
                self.note = (
                    f"the search ends in generation {self._generation} after "
                    f"{len(self._born)} architectures: {self.max_draws} draws gave no "
                    f"further one that is new and within the budget"
                )
                self.total = len(self._born)
                break
            self._born[child] = self._generation
            self._waiting.append(child)

    def _is_new(self, arch: Arch) -> bool:
        return arch not in self._born and self.legal(arch)

    def _draw(self, make: Callable[[], np.ndarray]) -> Arch | None:
        """The first of bounded draws of ``make`` (codes) that is legal and new, or None.

        Uniform over those if ``make`` is uniform. Where budgets are to be spent, or none of the
        draws keeps them, draws are repaired, and no longer uniform.
        """
        if self.limits is None or not self.limits.spends:
            for _ in range(self.max_draws):
                arch = self.space.decode(make())
                if self._is_new(arch):
                    return arch
        for _ in range(min(self.max_draws, REPAIRS) if self.limits else 0):
            arch = self.limits.repaired(make(), self._rng)
            if arch is not None and self._is_new(arch):
                return arch
        return None
