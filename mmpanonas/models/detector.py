"""The detector: a two-stage panoptic segmentor whose parts are searched together."""

from functools import cached_property

from mmdet.models.detectors import TwoStagePanopticSegmentor
from mmdet.registry import MODELS

from mmpanonas.models.choice import Searchable
from mmpanonas.space import Arch, SearchSpace


@MODELS.register_module()
class AutoPanoptic(TwoStagePanopticSegmentor):
    """MMDetection's panoptic segmentor with an architecture.

    Args:
        backbone: config of a searchable backbone.
        arch: None for the supernet, else the architecture of the fixed network (anything
            ``Arch.load`` reads). It becomes the ``arch`` of every searchable part.
        **kwargs: of ``TwoStagePanopticSegmentor``.
    """

    def __init__(self, backbone: dict, arch: object = None, **kwargs) -> None:
        if arch is not None:
            backbone = dict(backbone, arch=Arch.load(arch))
        super().__init__(backbone=backbone, **kwargs)

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
        arch = self.search_space.project(Arch.load(arch))
        for module in self.searchable_parts:
            module.set_arch(arch)
