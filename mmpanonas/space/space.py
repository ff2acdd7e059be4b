"""The search space: which parts are searched, sampling, codes and fair windows."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

import numpy as np

from mmpanonas.space.arch import Arch, check_choice
from mmpanonas.space.elastic import depth, skipped
from mmpanonas.space.operations import OPERATIONS, PARTS, ArchError
from mmpanonas.space.published import PART_CHOICES

#: The choice that leaves a part out.
ABSENT = "absent"


@dataclass(frozen=True)
class Part:
    """One part of the space: ``layers`` layers that each choose from ``choices``.

    ``fixed`` names the choice of every layer for a part that the network has but that is
    not searched; sampling, windows and codes leave it alone. ``whole``: the layers share one
    choice, of which the last is ``ABSENT``: the network does without the part. ``operations``:
    what the layers choose from, in code order, or a list of them for each layer; the part's own
    where None. ``stages``: how many layers each stage of a backbone has.
    """

    name: str
    layers: int
    fixed: tuple[str, ...] | None = None
    whole: bool = False
    operations: tuple[str, ...] | tuple[tuple[str, ...], ...] | None = None
    stages: tuple[int, ...] = ()
    choices: tuple[str, ...] = field(init=False)
    rows: tuple[tuple[str, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.name not in PARTS:
            raise ArchError(f"unknown part {self.name!r}; the parts are {', '.join(PARTS)}")
        rows = self._rows()
        for layer, row in enumerate(rows):
            for name in row:
                check_choice(self.name, layer, name)
            if not row or len(set(row)) < len(row):
                raise ArchError(f"{self.name}: expected different operations, got {list(row)}")
        union = tuple(dict.fromkeys(chain(*rows)))
        absent = (ABSENT,) if self.whole else ()
        object.__setattr__(self, "operations", union)
        object.__setattr__(self, "choices", union + absent)
        object.__setattr__(self, "rows", tuple(row + absent for row in rows))
        if self.fixed is not None:
            object.__setattr__(self, "fixed", tuple(self.fixed))
            self.check(self.fixed)

    def _rows(self) -> tuple[tuple[str, ...], ...]:
        """What each layer chooses from."""
        given = PARTS[self.name].operations if self.operations is None else tuple(self.operations)
        if all(isinstance(item, str) for item in given):
            return (given,) * max(1, self.layers)
        rows = tuple((item,) if isinstance(item, str) else tuple(item) for item in given)
        if len(rows) != self.layers or self.whole:
            raise ArchError(
                f"{self.name}: expected the operations of {self.layers} layers, got {len(rows)} "
                f"lists"
            )
        return rows

    @property
    def decisions(self) -> int:
        """How many layers choose on their own."""
        return 1 if self.whole else self.layers

    def encode(self, choices: Sequence[str]) -> list[int]:
        """The code of every decision; of a whole part without choices that of ``ABSENT``."""
        taken = (choices or (ABSENT,))[: self.decisions]
        return [self.rows[layer].index(choice) for layer, choice in enumerate(taken)]

    def decode(self, codes: Sequence[int]) -> tuple[str, ...]:
        """Inverse of :meth:`encode`."""
        choices = tuple(self.rows[layer][int(code)] for layer, code in enumerate(codes))
        if self.whole:
            return () if choices == (ABSENT,) else choices * self.layers
        return choices

    def check(self, choices: Sequence[str]) -> None:
        """Raise ``ArchError`` unless ``choices`` names one choice for each layer."""
        if self.whole and not choices:
            return
        if len(choices) != self.layers:
            raise ArchError(f"{self.name}: expected {self.layers} choices, got {len(choices)}")
        for layer, choice in enumerate(choices):
            check_choice(self.name, layer, choice)
            if self.fixed is None and choice not in self.rows[layer]:
                raise ArchError(
                    f"{self.name}[{layer}]: {choice} is none of this network's operations, "
                    f"{', '.join(self.rows[layer])}"
                )
        if self.whole and len(set(choices)) > 1:
            raise ArchError(f"{self.name}: expected one choice for all, got {list(choices)}")
        if self.fixed is not None and tuple(choices) != self.fixed:
            raise ArchError(f"{self.name} is fixed to {list(self.fixed)}, got {list(choices)}")


def _size_of(choice: str) -> float:
    return OPERATIONS[choice].factor or OPERATIONS[choice].depth


class SearchSpace:
    """Named parts, each searched, fixed or absent (paper, Table 1: five).

    Integer codes run over the *searched* layers in part order: backbone, mask head,
    semantic head, things to stuff, stuff to things, then registered ones.
    """

    def __init__(self, parts: Iterable[Part]) -> None:
        given = {}
        for part in parts:
            if part.name in given:
                raise ArchError(f"part {part.name!r} is given twice")
            given[part.name] = part
        self.parts: dict[str, Part] = {name: given[name] for name in PARTS if name in given}

    @classmethod
    def full(cls, blocks: Sequence[int] = (8, 8, 16, 8)) -> "SearchSpace":
        """The paper's whole space: 4^40 x 6^7 x 3^9 with the default blocks."""
        layers = (sum(blocks), 4, 3, 4, 5)
        return cls(Part(name, n) for name, n in zip(PART_CHOICES, layers, strict=True))

    @property
    def searched(self) -> list[Part]:
        """The parts that are not fixed, in code order."""
        return [part for part in self.parts.values() if part.fixed is None]

    @property
    def size(self) -> int:
        """Number of architectures."""
        stages = self._elastic_stages()
        count = math.prod(
            len(part.rows[layer])
            for part, layer in self._layers()
            if not stages or part.name not in ("backbone", "stage_depths")
        )
        for depths, rows in stages:
            count *= sum(math.prod(map(len, rows[: depth(choice)])) for choice in depths)
        return count

    def _elastic_stages(self) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
        """Of each stage whose depth is searched: its depths, and the choices of its blocks."""
        backbone, depths = self.parts.get("backbone"), self.parts.get("stage_depths")
        if depths is None or backbone is None:
            return []
        rows = iter(backbone.rows if backbone.fixed is None else [("",)] * backbone.layers)
        fixed = depths.fixed and [(choice,) for choice in depths.fixed]
        stages = [list(islice(rows, count)) for count in backbone.stages]
        return list(zip(fixed or depths.rows, stages, strict=True))

    def canonical(self, arch: Arch) -> Arch:
        """``arch`` with the first choice for every block that its depths leave out.

        Architectures that differ in such blocks alone are one network.
        """
        backbone = self.parts.get("backbone")
        if "stage_depths" not in self.parts or backbone is None or backbone.fixed is not None:
            return arch
        choices = list(arch.backbone)
        for place in skipped(arch.stage_depths, backbone.stages):
            choices[place] = backbone.rows[place][0]
        return arch if tuple(choices) == arch.backbone else arch.replace(backbone=choices)

    def extreme_sizes(self) -> list[Arch]:
        """The smallest and the largest widths and depths, without operations."""
        found = []
        for pick in (min, max):
            sizes = {
                part.name: [pick(row, key=_size_of) for row in part.rows]
                for part in self.parts.values()
                if part.fixed is None and OPERATIONS[part.choices[0]].kind in ("factor", "depth")
            }
            found.append(Arch(**sizes))
        return found

    @property
    def window(self) -> int:
        """Paths of one strictly fair window: the least common multiple of the choices.

        12 when all five parts are searched, 4 for the backbone alone, 1 for nothing.
        """
        return math.lcm(*(len(part.rows[layer]) for part, layer in self._layers()))

    @property
    def num_choices(self) -> np.ndarray:
        """Choices of every searched layer in code order, shape (layers,); a whole part is one."""
        return np.array([len(part.rows[layer]) for part, layer in self._layers()], dtype=np.int64)

    def _layers(self) -> Iterator[tuple[Part, int]]:
        for part in self.searched:
            for layer in range(part.decisions):
                yield part, layer

    def check(self, arch: Arch) -> Arch:
        """The canonical form of ``arch``; ``ArchError`` says where it leaves this space."""
        for name in PARTS:
            choices = getattr(arch, name)
            if name in self.parts:
                if not choices and not self.parts[name].whole:
                    raise ArchError(f"the architecture lacks {name}, which this model has")
                self.parts[name].check(choices)
            elif choices:
                raise ArchError(
                    f"the architecture has {name}, which this model does not search; its "
                    f"parts are {', '.join(self.parts) or 'none'} (to fix one of them from an "
                    f"architecture that has more, give it as the part's own arch)"
                )
        return self.canonical(arch)

    def encode(self, arch: Arch) -> np.ndarray:
        """Integer codes of the searched layers, shape (layers,)."""
        arch = self.check(arch)
        codes = (part.encode(getattr(arch, part.name)) for part in self.searched)
        return np.array(list(chain(*codes)), dtype=np.int64)

    def decode(self, codes: Sequence[int]) -> Arch:
        """Inverse of :meth:`encode`; fixed parts are filled in."""
        limits = self.num_choices
        if len(codes) != len(limits):
            raise ArchError(f"expected {len(limits)} codes, got {len(codes)}")
        found: dict[str, list[int]] = {part.name: [] for part in self.searched}
        for place, ((part, layer), code) in enumerate(zip(self._layers(), codes, strict=True)):
            if not 0 <= code < limits[place]:
                raise ArchError(f"{part.name}[{layer}]: code {code} is not below {limits[place]}")
            found[part.name].append(code)
        named = {name: self.parts[name].decode(codes) for name, codes in found.items()}
        fixed = {part.name: part.fixed for part in self.parts.values() if part.fixed is not None}
        return self.canonical(Arch(**named, **fixed))

    def sample(self, rng: np.random.Generator) -> Arch:
        """Draw an architecture uniformly."""
        return self.decode(rng.integers(self.num_choices))

    def fair_window(self, rng: np.random.Generator) -> list[Arch]:
        """``window`` paths in which each layer uses each of its choices equally often.

        Every layer's choices come in a fresh random order.
        """
        columns = [
            rng.permutation(np.repeat(np.arange(n), self.window // n)) for n in self.num_choices
        ]
        if not columns:
            return [self.decode([])]
        return [self.decode(row) for row in np.stack(columns, axis=1)]

    def fair_paths(self, seed: int, window: int) -> list[Arch]:
        """The paths of training window ``window``: a function of the two numbers alone."""
        return self.fair_window(np.random.default_rng([seed, window]))

    def uniform_paths(self, seed: int, window: int) -> list[Arch]:
        """As many paths drawn uniformly: a function of the two numbers alone."""
        rng = np.random.default_rng([seed, window])
        return [self.sample(rng) for _ in range(self.window)]

    def fair_path(self, seed: int, iteration: int) -> Arch:
        """The path of training pass ``iteration``: a function of the two numbers alone.

        Passes ``k * window`` to ``(k + 1) * window - 1`` make the ``k``-th fair window.
        """
        window, place = divmod(iteration, self.window)
        return self.fair_paths(seed, window)[place]
