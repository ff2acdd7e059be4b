"""Numbers that a config gives to a class of ours have a kind, and the class holds to it."""

import inspect
import math
from typing import Annotated, get_args, get_origin

import pytest

import mmpanonas.register  # noqa: F401
from mmpanonas.config.judge.constructors import REGISTRIES
from mmpanonas.errors import InputError
from mmpanonas.execution import RayExecutor
from mmpanonas.models.fusion import FusionRules
from mmpanonas.recalibration import RecalibrationBatches
from mmpanonas.search.evaluator import EvaluationSettings
from mmpanonas.space import Budget, CostMeasure
from mmpanonas.strategies import STRATEGIES
from mmpanonas.values import kinds_of
from studies.ranking.plan import StudyPlan


def _nodes(registry):
    yield registry
    for child in registry.children.values():
        yield from _nodes(child)


def _ours() -> list[type]:
    held = {k for r in REGISTRIES for node in _nodes(r) for k in node.module_dict.values()}
    ours = {k for k in held if inspect.isclass(k) and k.__module__.startswith("mmpanonas.")}
    untyped = {Budget, CostMeasure, EvaluationSettings, FusionRules, RayExecutor}
    ours |= {*untyped, RecalibrationBatches, StudyPlan, *STRATEGIES.values()}
    return sorted((k for k in ours if "__init__" in vars(k)), key=lambda k: k.__qualname__)


def _is_number(parameter: inspect.Parameter) -> bool:
    hints = [parameter.annotation, *get_args(parameter.annotation)]
    hints += [get_args(hint)[0] for hint in hints if get_origin(hint) is Annotated]
    default = parameter.default
    return any(hint in (int, float, "int", "float") for hint in hints) or (
        isinstance(default, int | float) and not isinstance(default, bool)
    )


@pytest.mark.parametrize("kind", _ours(), ids=lambda kind: kind.__name__)
def test_every_number_of_a_constructor_has_a_kind(kind):
    init, is_fields = kind.__init__, hasattr(kind, "__dataclass_fields__")
    kinds = kinds_of(kind if is_fields else inspect.unwrap(init))
    for name, parameter in inspect.signature(init).parameters.items():
        if _is_number(parameter):
            assert is_fields or hasattr(init, "__wrapped__"), "not @checked"
            for wrong in (True, math.inf, math.nan, "1", (1, 2, 3)):
                assert not kinds[name].fits(wrong), f"{name} takes {wrong!r}"


@pytest.mark.parametrize("field", ["score_thr", "overlap_thr", "area_order_score_thr"])
@pytest.mark.parametrize("wrong", [1.5, -0.1, math.nan, math.inf, True, "0.5"])
def test_a_threshold_of_the_fusion_is_a_probability(field, wrong):
    with pytest.raises(InputError, match=f"{field}: expected a number from 0 to 1"):
        FusionRules(**{field: wrong})
