"""What a ranking study is asked to do: the key ``study`` of a config."""

from dataclasses import dataclass, fields
from typing import TypeVar

from mmengine.config import Config

from mmpanonas.config.judge.layout import add_key
from mmpanonas.errors import InputError
from mmpanonas.strategies import STRATEGIES
from mmpanonas.values import PositiveInt, Seed, check_fields
from studies.strategies.sizes import sizes

Plan = TypeVar("Plan")


def read_plan(kind: type[Plan], config: Config, key: str, example: str) -> Plan:
    """The plan in a config: the fields of the dataclass ``kind`` under ``key``.

    Raises:
        InputError: there is none, or a key in it is unknown, lacking or impossible.
    """
    given = config.get(key)
    if not isinstance(given, dict):
        raise InputError(f"the config holds no {key}=dict(...), as in {example}")
    unknown = sorted(set(given) - {f.name for f in fields(kind)})
    if unknown:
        raise InputError(f"{key} has no {', '.join(unknown)}; see {kind.__name__} for its keys")
    try:
        return kind(**given)
    except TypeError as error:
        raise InputError(f"{key}: {str(error).split('() ')[-1]}") from None


@dataclass(frozen=True)
class StudyPlan:
    """The key ``study`` of a config.

    Attributes:
        alone: config whose schedule and data train and test each network alone; its model is
            the study's. Its path begins where ``mmpanonas.config.find_named`` says.
        cost: arguments of ``CostMeasure``, by which networks are drawn and made equal.
        networks, strata: how many are drawn, evenly over so many strata of cost.
        repeated, seeds: so many of them, evenly too, are trained with so many seeds.
        samplings: hooks that sample the supernets' paths, by name; the first supernet is also
            searched.
        recalibrations: what replaces keys of the config's ``recalibration``, by name; the
            first one is also searched with.
        strategies: names of ``STRATEGIES``, each searching ``searches`` times with
            ``evaluations`` candidates.
        baseline: keys of the model that nobody searched; its backbone is all 3x3, and its widths
            are scaled to a choice's cost.
        choice_seeds: with how many a strategy's choice and the baseline of its cost are trained.
        fusions: keys of the model's ``panoptic_fusion_head``, by name; the first is the score.
        seed: of the draw.
    """

    alone: str
    cost: dict
    samplings: dict[str, str]
    recalibrations: dict[str, dict]
    fusions: dict[str, dict]
    baseline: dict
    strategies: tuple[str, ...] = ("Evolution", "PathPriority", "Random")
    networks: PositiveInt = 48
    strata: PositiveInt = 8
    repeated: PositiveInt = 24
    seeds: PositiveInt = 2
    searches: PositiveInt = 6
    evaluations: PositiveInt = 48
    choice_seeds: PositiveInt = 3
    seed: Seed = 0

    @classmethod
    def from_config(cls, config: Config) -> "StudyPlan":
        """The plan in a config; raises ``InputError`` as :func:`read_plan` does."""
        return read_plan(cls, config, "study", "studies/ranking/configs/shapes.py")

    def __post_init__(self) -> None:
        check_fields(self)
        if self.repeated > self.networks or self.repeated % self.strata:
            raise InputError(
                f"study.repeated: expected a multiple of the {self.strata} strata and no more than "
                f"the {self.networks} networks, got {self.repeated}"
            )
        for name in self.strategies:
            if name not in STRATEGIES:
                raise InputError(f"study.strategies: expected {sorted(STRATEGIES)}, got {name!r}")
            sizes(name, self.evaluations)


add_key("study", StudyPlan)
