"""DetNAS's evolution (SPEC section 9)."""

import math

import numpy as np

from mmpanonas.errors import InputError
from mmpanonas.search.strategy import FAILED, Legal, Strategy
from mmpanonas.space import Arch, SearchSpace


def mutate(codes: np.ndarray, num_choices: np.ndarray, prob: float, rng) -> np.ndarray:
    """Redraw each layer with probability ``prob``; (layers,) integer codes in and out."""
    redrawn = rng.integers(num_choices)
    return np.where(rng.random(len(codes)) < prob, redrawn, codes)


def cross(first: np.ndarray, second: np.ndarray, rng) -> np.ndarray:
    """Take each layer from either parent with equal chance."""
    return np.where(rng.random(len(first)) < 0.5, first, second)


class Evolution(Strategy):
    """Generations of mutants, crosses and random architectures; no architecture twice.

    Args:
        space, seed, legal: as in ``Strategy``.
        generations: 20 in DetNAS, each of ``population`` architectures.
        parents: the best of all told so far breed, never one that failed.
        mutants, crosses: children per generation; the rest is random, as is all of a
            generation without parents, such as the first.
        mutation_prob: of each layer.
        max_draws: how often a child may be redrawn until it is legal and new. A mutant or
            cross that fails becomes random; when random ones fail, the search ends there
            and ``note`` says so.

    Raises:
        InputError: impossible numbers, or nothing to search.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int = 0,
        legal: Legal | None = None,
        generations: int = 20,
        population: int = 50,
        parents: int = 10,
        mutants: int = 20,
        crosses: int = 20,
        mutation_prob: float = 0.1,
        max_draws: int = 1000,
    ) -> None:
        super().__init__(space, seed, legal)
        if min(generations, population, parents, max_draws) < 1 or min(mutants, crosses) < 0:
            raise InputError(
                "generations, population, parents and max_draws must be positive, mutants and "
                "crosses 0 or more"
            )
        if mutants + crosses > population:
            raise InputError(
                f"mutants ({mutants}) and crosses ({crosses}) exceed the population ({population})"
            )
        if not 0 <= mutation_prob <= 1:
            raise InputError(f"mutation_prob: expected 0 to 1, got {mutation_prob}")
        self.generations, self.population, self.parents = generations, population, parents
        self.mutants, self.crosses, self.mutation_prob = mutants, crosses, mutation_prob
        self.max_draws = max_draws
        self.total = generations * population
        self.scores: dict[Arch, float] = {}
        self._born: dict[Arch, int] = {}
        self._generation = -1
        self._waiting: list[Arch] = []
        self._breeding: list[Arch] = []
        self._advance()

    @classmethod
    def plan(cls, evaluations: int) -> dict[str, int]:
        """Generations in DetNAS's proportions, as nearly as the number divides.

        The population is 2.5 times the generations; a fifth are parents, two fifths mutants,
        two fifths crosses.

        Raises:
            InputError: the number is no product of 2 or more generations of 5 or more.
        """
        sizes = [size for size in range(5, evaluations // 2 + 1) if evaluations % size == 0]
        if not sizes:
            raise InputError(
                f"evolution: {evaluations} evaluations do not divide into generations; give a "
                f"product of 2 or more generations of 5 or more, such as 60 = 5 x 12"
            )
        population = min(sizes, key=lambda size: abs(math.log(size * size / evaluations / 2.5)))
        share = round(0.4 * population)
        return dict(
            generations=evaluations // population,
            population=population,
            parents=round(0.2 * population),
            mutants=share,
            crosses=share,
        )

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

    def best(self, count: int) -> list[Arch]:
        """The ``count`` best told so far, without failed ones; of equals the earlier proposed."""
        order = {arch: place for place, arch in enumerate(self._born)}
        able = [arch for arch, score in self.scores.items() if score != FAILED]
        return sorted(able, key=lambda arch: (-self.scores[arch], order[arch]))[:count]

    def report(self) -> dict:
        """The current ``generation``, the ``note``, and who is in the generation.

        ``population`` and its ``parents`` hold places in the order of proposals, which are the
        indices of the results.
        """
        order = {arch: place for place, arch in enumerate(self._born)}
        return dict(
            generation=self._generation,
            population=[
                order[arch] for arch, born in self._born.items() if born == self._generation
            ],
            parents=[order[arch] for arch in self._breeding],
            note=self.note,
        )

    def _advance(self) -> None:
        if self._generation + 1 == self.generations or self.note:
            return
        self._generation += 1
        rng = np.random.default_rng([self.seed, self._generation])
        makers = [self._mutant] * self.mutants + [self._cross] * self.crosses
        makers += [self._random] * (self.population - len(makers))
        self._breeding = self.best(self.parents)
        if not self._breeding:
            makers = [self._random] * self.population
        parents = [self.space.encode(arch) for arch in self._breeding]
        for make in makers:
            child = self._draw(make, parents, rng)
            if child is None and make != self._random:
                child = self._draw(self._random, parents, rng)
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

    def _draw(self, make, parents: list[np.ndarray], rng) -> Arch | None:
        for _ in range(self.max_draws):
            arch = self.space.decode(make(parents, rng))
            if arch not in self._born and self.legal(arch):
                return arch
        return None

    def _random(self, parents: list[np.ndarray], rng) -> np.ndarray:
        return rng.integers(self.space.num_choices)

    def _mutant(self, parents: list[np.ndarray], rng) -> np.ndarray:
        parent = parents[rng.integers(len(parents))]
        return mutate(parent, self.space.num_choices, self.mutation_prob, rng)

    def _cross(self, parents: list[np.ndarray], rng) -> np.ndarray:
        first, second = rng.integers(len(parents), size=2)
        return cross(parents[first], parents[second], rng)


class Random(Evolution):
    """The baseline: ``total`` different architectures, drawn uniformly.

    Args:
        space, seed, legal, max_draws: as in ``Evolution``.
        total: evaluations.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int = 0,
        legal: Legal | None = None,
        total: int = 1000,
        max_draws: int = 1000,
    ) -> None:
        super().__init__(space, seed, legal, 1, total, 1, 0, 0, max_draws=max_draws)

    @classmethod
    def plan(cls, evaluations: int) -> dict[str, int]:
        """Any number will do."""
        return dict(total=evaluations)
