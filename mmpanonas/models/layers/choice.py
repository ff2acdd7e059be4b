"""The one mechanism that picks operations: a dictionary of modules with an active key."""

from collections.abc import Callable, Sequence
from functools import cached_property

from torch import Tensor, nn

from mmpanonas.space import ABSENT, Arch, ArchError, Part, SearchSpace, active_arch


class ChoiceLayer(nn.Module):
    """What a part chooses: ``active`` is the choice that a forward pass takes."""

    active: str


class Choice(nn.ModuleDict, ChoiceLayer):
    """A searched layer: holds the operations that may stand here and runs the active one.

    A fixed network is the same module holding one operation, so its state-dict keys are
    those of the supernet, and weights copy by name.
    """

    def __init__(self, choices: Sequence[str], build: Callable[[str], nn.Module]) -> None:
        super().__init__({choice: build(choice) for choice in choices})
        self.active = choices[0]

    def forward(self, x: Tensor) -> Tensor:
        """Run the active operation; shapes are the operation's."""
        return self[self.active](x)

    def extra_repr(self) -> str:
        """Show the active operation in ``print(model)``."""
        return f"active={self.active}"


class Searchable:
    """What a searchable part of a detector shares: its ``part`` and ``set_arch``.

    A class that mixes this in names its part, calls :meth:`declare_part` before it builds
    its layers, and builds each layer with :meth:`choices_of`.
    """

    part_name: str
    part: Part
    present: bool  # whether the active path has the part

    def declare_part(
        self,
        arch: object,
        layers: int,
        whole: bool = False,
        operations: Sequence | None = None,
        stages: Sequence[int] = (),
    ) -> None:
        """Fix the part to ``arch`` (anything ``Arch.load`` reads), or leave it searched.

        ``whole``: searched with one choice for all layers, or to be absent. ``operations``: what
        the layers choose from, in code order; the part's own where None. ``stages``: how many
        layers each stage of a backbone has.
        """
        fixed = None if arch is None else self._choices_in(arch)
        self.part = Part(
            self.part_name, layers, fixed, whole and fixed is None, operations, tuple(stages)
        )
        self.present = True

    def choices_of(self, layer: int) -> tuple[str, ...]:
        """The operations that layer ``layer`` must hold: all, or the fixed one."""
        fixed = self.part.fixed
        if fixed is not None:
            return (fixed[layer],)
        return tuple(choice for choice in self.part.rows[layer] if choice != ABSENT)

    def set_arch(self, arch: object) -> None:
        """Make the part's choices in ``arch`` the active ones. Raises ``ArchError``."""
        choices = getattr(Arch.load(arch), self.part_name)
        if not self.part.whole:
            choices = self._choices_in(arch)
        self.part.check(choices)
        self.present = bool(choices)
        if self.part.fixed is not None:
            return
        for layer, choice in zip(self.choice_layers, choices, strict=self.present):
            layer.active = choice

    def _choices_in(self, arch: object) -> tuple[str, ...]:
        choices = getattr(Arch.load(arch), self.part_name)
        if not choices:
            raise ArchError(f"the architecture lacks {self.part_name}, which this model has")
        return choices

    @property
    def active_choices(self) -> tuple[str, ...]:
        """The active choice of every layer; none of a part that is left out."""
        if self.part.fixed is not None:
            return self.part.fixed
        return tuple(layer.active for layer in self.choice_layers) if self.present else ()

    @cached_property
    def choice_layers(self) -> list[ChoiceLayer]:
        """The searched layers in code order."""
        return [module for module in self.modules() if isinstance(module, ChoiceLayer)]


class SearchableNetwork:
    """What a network of searchable parts shares: its search space and its active path."""

    @cached_property
    def searchable_parts(self) -> list[Searchable]:
        """The modules that hold choices."""
        return [module for module in self.modules() if isinstance(module, Searchable)]

    @property
    def search_space(self) -> SearchSpace:
        """The space spanned by the searchable parts; fixed ones are fixed in it."""
        return SearchSpace(module.part for module in self.searchable_parts)

    @property
    def active_arch(self) -> Arch:
        """The path that a forward pass takes now."""
        return active_arch(self)

    def set_arch(self, arch: object) -> None:
        """Make ``arch`` the active path. Raises ``ArchError`` if it is not in the space."""
        arch = self.search_space.check(Arch.load(arch))
        for module in self.searchable_parts:
            module.set_arch(arch)
