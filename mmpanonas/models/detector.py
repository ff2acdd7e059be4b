"""The detector: a two-stage panoptic segmentor whose parts are searched together."""

from collections.abc import Sequence
from functools import cached_property

from mmdet.models.detectors import TwoStagePanopticSegmentor
from mmdet.registry import MODELS
from torch import Tensor

from mmpanonas.models.attention import AttendedPyramid, apply_gates
from mmpanonas.models.choice import Searchable
from mmpanonas.space import Arch, SearchSpace


@MODELS.register_module()
class AutoPanoptic(TwoStagePanopticSegmentor):
    """MMDetection's panoptic segmentor with an architecture and inter-modular attention.

    Args:
        backbone, roi_head, semantic_head: configs; searchable or not.
        things_to_stuff: config of the attention that gates the semantic head's features, or
            None.
        stuff_to_things: config of the attention that gates the feature pyramid for the RPN
            and the RoI heads, or None.
        arch: None for the supernet, else the architecture of the fixed network (anything
            ``Arch.load`` reads). It becomes the ``arch`` of every searchable part, and must
            have these parts and no others, save an attention that is ``whole``; to fix one
            part alone, or to read it from an architecture that has more, give the part's own
            config an ``arch``.
        **kwargs: of ``TwoStagePanopticSegmentor``.

    Raises:
        ArchError: the architecture does not fit the model.
    """

    def __init__(
        self,
        backbone: dict,
        roi_head: dict,
        semantic_head: dict,
        things_to_stuff: dict | None = None,
        stuff_to_things: dict | None = None,
        arch: object = None,
        **kwargs,
    ) -> None:
        if arch is not None:
            arch = Arch.load(arch)
            backbone, semantic_head, things_to_stuff, stuff_to_things = (
                _with_arch(part, arch)
                for part in (backbone, semantic_head, things_to_stuff, stuff_to_things)
            )
            roi_head = dict(roi_head, mask_head=_with_arch(roi_head["mask_head"], arch))
        super().__init__(
            backbone=backbone, roi_head=roi_head, semantic_head=semantic_head, **kwargs
        )
        self.things_to_stuff = things_to_stuff and MODELS.build(things_to_stuff)
        self.stuff_to_things = stuff_to_things and MODELS.build(stuff_to_things)
        if arch is not None:
            self.search_space.check(arch)

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...] | AttendedPyramid:
        """P2 to P6, attended where there is attention."""
        return self.attend(super().extract_feat(batch_inputs))

    def attend(self, x: Sequence[Tensor]) -> Sequence[Tensor] | AttendedPyramid:
        """Let the branches gate each other; both sets of gates come from ungated features.

        Args:
            x: P2 to P6, each (N, C, h_i, w_i).

        Returns:
            ``x`` itself without attention, else the levels for the thing branch together
            with the features for the stuff branch.
        """
        to_stuff, to_things = map(_present, (self.things_to_stuff, self.stuff_to_things))
        if to_stuff is None and to_things is None:
            return x
        size, maps = x[0].shape[-2:], self.semantic_head.features(x)
        levels, semantic = x, maps
        if to_stuff is not None:
            semantic = apply_gates(maps, to_stuff(x[1:], size))
        if to_things is not None:
            levels = apply_gates(x, to_things(maps, size))
        return AttendedPyramid(levels, semantic)

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
        return Arch(**{m.part.name: m.active_choices for m in self.searchable_parts})

    def set_arch(self, arch: object) -> None:
        """Make ``arch`` the active path. Raises ``ArchError`` if it is not in the space."""
        arch = self.search_space.check(Arch.load(arch))
        for module in self.searchable_parts:
            module.set_arch(arch)


def _present(attention: Searchable | None) -> Searchable | None:
    """The attention if the active path has it."""
    return attention if attention is not None and attention.present else None


def _with_arch(part: dict | None, arch: Arch) -> dict | None:
    """The config of a part with ``arch`` added where the part is a searchable one.

    None for one that the architecture may leave out, and does.
    """
    kind = part and part["type"]
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    if kind and part.get("whole") and not getattr(arch, kind.part_name):
        return None
    return dict(part, arch=arch) if kind and issubclass(kind, Searchable) else part
