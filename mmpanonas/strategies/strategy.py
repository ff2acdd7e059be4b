"""What every search strategy is: it proposes architectures and is told their scores."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from mmpanonas.errors import InputError
from mmpanonas.space import Arch, Limits, SearchSpace

#: The score of an architecture that could not be evaluated.
FAILED = float("-inf")

#: The score of one that left a race (``Strategy.seats``): it has none, and is never a parent.
LEFT = float("nan")

#: Decides whether an architecture may be evaluated at all (its budget). ``Limits`` also repair.
Legal = Callable[[Arch], bool]


class Strategy(ABC):
    """Propose, tell. What is proposed depends on seed and told scores, never on timing.

    Attributes:
        total: evaluations that the strategy plans; falls when the space or the budget leaves
            fewer.
        limits: the budgets, where these can bring an architecture within themselves.
        note: what to say at the end, such as why the search ended early, or "".
    """

    def __init__(self, space: SearchSpace, seed: int = 0, legal: Legal | None = None) -> None:
        if space.size < 2:
            raise InputError(
                "nothing to search: the model is one fixed network; give the search a "
                "supernet (model.arch=None)"
            )
        self.space, self.seed = space, seed
        self.legal: Legal = legal or (lambda arch: True)
        self.limits = legal if isinstance(legal, Limits) and legal.budgets else None
        self.note = ""

    total: int

    #: How many of the best decide what follows: the others may leave a race before they have a
    #: score (:mod:`mmpanonas.racing`). None: every score decides, so there is no race.
    seats: int | None = None

    #: Arguments of which a search may be given more when it goes on: what it has proposed stays.
    grows: ClassVar[frozenset[str]] = frozenset()

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether every planned architecture has been told."""

    @abstractmethod
    def propose(self, limit: int) -> list[Arch]:
        """Up to ``limit`` architectures to evaluate next, none that was proposed before.

        Empty when the strategy waits for scores, or is done.
        """

    @abstractmethod
    def tell(self, arch: Arch, score: float) -> None:
        """The score (higher is better) of a proposed architecture; ``FAILED`` if it has none.

        With ``seats`` it may be ``LEFT``.

        Within what was proposed between two waits the order of telling changes nothing.
        """

    def second_goal(self, arch: Arch) -> float:
        """What else is minimised: a race is lost only to those that have no more of it."""
        return 0.0

    def label(self, arch: Arch) -> dict:
        """What to record beside a result, such as the generation it belongs to."""
        return {}

    def report(self) -> dict:
        """What to keep of the strategy's own reckoning beside the results, as plain data."""
        return {}
