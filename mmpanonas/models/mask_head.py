"""The searchable mask head of the thing branch (SPEC section 3)."""

from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS
from mmengine.model import ModuleList

from mmpanonas.models.choice import Searchable
from mmpanonas.models.head_ops import searched_layers


@MODELS.register_module()
class SearchableMaskHead(Searchable, FCNMaskHead):
    """MMDetection's mask head whose layers before the upsampling are chosen among six.

    Args:
        *args, **kwargs: of ``FCNMaskHead``; ``num_convs`` layers are searched, and the
            choices bring kernels of their own.
        arch: None for the supernet, else an architecture (anything ``Arch.load`` reads), of
            which only ``mask_head`` is read.

    Raises:
        ArchError: the architecture is unreadable or has another number of layers.
    """

    part_name = "mask_head"

    def __init__(self, *args, arch: object = None, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.declare_part(arch, self.num_convs)
        self.convs = ModuleList(searched_layers(self, self.convs, self.norm_cfg))
