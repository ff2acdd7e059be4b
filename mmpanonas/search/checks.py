"""What a search's config must agree on, checked before its data sets are read."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import TypeVar

from mmengine.dist import is_distributed
from mmengine.runner import Runner

from mmpanonas.errors import InputError
from mmpanonas.execution import EXECUTORS
from mmpanonas.search.identity import annotated
from mmpanonas.space import REPORTED, Budget, CostMeasure, check_counted, kind_of, uncounted

Cost = TypeVar("Cost", Budget, CostMeasure)


def build_cost(kind: type[Cost], key: str, given: object) -> Cost:
    """A ``Budget`` or ``CostMeasure`` of what ``val_cfg.<key>`` gives.

    Raises:
        InputError: no dictionary of its arguments.
    """
    if not isinstance(given, dict):
        raise InputError(
            f"val_cfg.{key}: expected dict(quantity=...), got {given!r}; --cfg-options cannot "
            f"hold a dictionary, so write it into a config"
        )
    arguments = {field.name: field for field in fields(kind) if field.init}
    unknown = sorted(given.keys() - arguments.keys())
    lacking = [n for n, f in arguments.items() if f.default is MISSING and n not in given]
    if unknown or lacking:
        problem = f"has no {', '.join(unknown)}" if unknown else f"lacks {', '.join(lacking)}"
        raise InputError(f"val_cfg.{key} {problem}; its keys are {', '.join(arguments)}")
    return kind(**given)


def check_costs(costs: Mapping[str, Mapping], model: Mapping, dataloader: Mapping) -> None:
    """Compare what limits and goals ask for with the model, and latency tables with the pictures.

    Args:
        costs: arguments of ``CostMeasure``, by the keys of the config that hold them.
        model, dataloader: configs.

    Raises:
        InputError: the model's cost cannot be counted, or a table was measured on pictures of
            another size, and no ``size`` says that it is meant.
    """
    for key, given in costs.items():
        what = f"val_cfg.{key}"
        check_counted(model, given.get("scope", "backbone"), what)
        size = picture_size(dataloader)
        if given.get("table") and "size" not in given and size:
            measured = CostMeasure("latency", given.get("scope", "backbone"), None, given["table"])
            if measured.size != size:
                raise InputError(
                    f"{what}: latency table {given['table']} was measured on pictures of "
                    f"{measured.size[0]} x {measured.size[1]}, this search's are scaled to "
                    f"{size[0]} x {size[1]}; measure with --size {size[0]} {size[1]}, or say "
                    f"size={measured.size} beside the table to mean that"
                )


def picture_size(dataloader: Mapping) -> tuple[int, int] | None:
    """Height and width of a landscape picture as a data loader's config scales it, if it says."""
    for dataset in annotated(dataloader):
        for step in dataset.get("pipeline") or ():
            if kind_of(step) == "Resize" and isinstance(step.get("scale"), Sequence):
                return min(step["scale"]), max(step["scale"])
    return None


def reported_costs(runner: Runner) -> list[CostMeasure]:
    """What every result states: all that can be counted; a line says what cannot."""
    found, said = [], set()
    for measure in REPORTED:
        reason = uncounted(runner.cfg.model, measure.scope)
        if not reason:
            found.append(measure)
        elif measure.scope not in said:
            said.add(measure.scope)
            runner.logger.warning(f"the cost of the {measure.scope} is not recorded: {reason}")
    return found


def check_executor(config: dict | None) -> dict:
    """The executor's config with its type, if there is one of that name.

    Raises:
        InputError: there is none, or a launcher has started us.
    """
    if is_distributed():
        raise InputError(
            "a search evaluates side by side on workers of its own: start it without a launcher, "
            "with tools/search.py --num-workers N"
        )
    config = dict(config or {})
    kind = config.setdefault("type", "serial")
    if kind not in EXECUTORS:
        raise InputError(
            f"val_cfg.executor.type: expected one of {', '.join(EXECUTORS)}, got {kind!r}"
        )
    return config
