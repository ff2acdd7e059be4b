"""Latency as a sum of measured times, read from a table; measuring lies in ``models``."""

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mmpanonas.errors import InputError
from mmpanonas.files import parse_json
from mmpanonas.space.arch import Arch
from mmpanonas.space.operations import PARTS
from mmpanonas.space.shape import NetworkShape

_AGAIN = "measure it with tools/analysis_tools/measure_latency.py on this config"


@dataclass(frozen=True, eq=False)
class LatencyTable:
    """Milliseconds of every searched operation and of everything that is not searched.

    Attributes:
        path: of the file, for messages.
        device: what was measured, in words.
        size: height and width of the one picture.
        shape: widths of the measured network.
        fixed: milliseconds of each module with its searched layers left out.
        layers: of each searched part, of each layer, the milliseconds of each choice.
        whole: of each part that a path may leave out, what its being there takes besides.
    """

    path: str
    device: str
    size: tuple[int, int]
    shape: NetworkShape
    fixed: Mapping[str, float]
    layers: Mapping[str, list[Mapping[str, float]]]
    whole: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "LatencyTable":
        """Read a file that ``measure_latency.py`` wrote. Raises ``InputError``."""
        try:
            return cls.from_dict(parse_json(Path(path).read_bytes()), str(path))
        except FileNotFoundError:
            raise InputError(f"latency table {path} does not exist: {_AGAIN}") from None
        except KeyError as error:
            raise InputError(f"latency table {path} lacks {error}: {_AGAIN}") from None
        except (ValueError, TypeError, AttributeError, OSError) as error:
            raise InputError(f"latency table {path} is unreadable ({error}): {_AGAIN}") from None

    @classmethod
    def from_dict(cls, data: Mapping, path: str) -> "LatencyTable":
        """The table in ``data``, the file's content."""
        widths = {k: tuple(v) if isinstance(v, list) else v for k, v in data["shape"].items()}
        table = cls(
            path=path,
            device=data["device"],
            size=tuple(data["size"]),
            shape=NetworkShape(**widths),
            fixed=dict(data["fixed"]),
            layers={part: [dict(row) for row in rows] for part, rows in data["layers"].items()},
            whole=dict(data.get("whole", {})),
        )
        if "backbone" not in table.fixed:
            raise ValueError("no time for the backbone")
        rows = [table.fixed, table.whole, *(row for rows in table.layers.values() for row in rows)]
        times = [time for row in rows for time in row.values()]
        if not all(isinstance(time, int | float) and 0 <= time < math.inf for time in times):
            raise ValueError("a time is not a number of milliseconds")
        return table

    def of(self, arch: Arch, shape: NetworkShape, scope: str) -> float:
        """Predicted milliseconds of the "backbone" or "network" for one picture of ``size``.

        Raises:
            InputError: the table is one of other widths or other searched parts, or lacks an
                operation of ``arch``.
        """
        self._check_shape(shape)
        if shape.at(arch) != shape:
            raise InputError(
                f"latency table {self.path} has times of one width, and the network's widths or "
                f"depths are chosen: give the budget in macs or params"
            )
        parts = PARTS if scope == "network" else ("backbone",)
        fixed = self.fixed.values() if scope == "network" else (self.fixed["backbone"],)
        return sum(fixed) + sum(time for part in parts for time in self._times(arch, part))

    def _times(self, arch: Arch, part: str) -> list[float]:
        rows, choices = self.layers.get(part, []), getattr(arch, part)
        if part in self.whole and not choices:
            return []
        if len(rows) != len(choices):
            raise InputError(
                f"latency table {self.path} has {len(rows)} searched layers of {part}, the "
                f"network {len(choices)}: {_AGAIN}"
            )
        for layer, (row, choice) in enumerate(zip(rows, choices, strict=True)):
            if choice not in row:
                raise InputError(
                    f"latency table {self.path} lacks {choice} of {part}[{layer}]: {_AGAIN}"
                )
        there = [self.whole[part]] if part in self.whole else []
        return there + [row[choice] for row, choice in zip(rows, choices, strict=True)]

    def _check_shape(self, shape: NetworkShape) -> None:
        if self.shape == shape:
            return
        there, here = asdict(self.shape), asdict(shape)
        name = next(name for name in there if there[name] != here[name])
        raise InputError(
            f"latency table {self.path} was measured for {name}={there[name]}, the network has "
            f"{name}={here[name]}: {_AGAIN}"
        )
