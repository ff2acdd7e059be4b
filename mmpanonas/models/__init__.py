"""Networks: everything here registers itself for MMDetection configs."""

from mmpanonas.models.backbone import SearchableShuffleNetV2
from mmpanonas.models.detector import AutoPanoptic
from mmpanonas.models.fusion_head import AutoPanopticFusionHead
from mmpanonas.models.layers.any_module import register_module
from mmpanonas.models.layers.attention import StuffToThings, ThingsToStuff
from mmpanonas.models.layers.choice import Choice, Searchable, SearchableNetwork
from mmpanonas.models.mask_head import SearchableMaskHead
from mmpanonas.models.released import (
    DetectronAnchorGenerator,
    DetectronBoxCoder,
    DetectronRoIExtractor,
    Shared2FCGNBBoxHead,
)
from mmpanonas.models.semantic_head import SearchableSemanticHead, SharedSemanticHead

__all__ = [
    "AutoPanoptic",
    "AutoPanopticFusionHead",
    "Choice",
    "DetectronAnchorGenerator",
    "DetectronBoxCoder",
    "DetectronRoIExtractor",
    "Searchable",
    "SearchableMaskHead",
    "SearchableNetwork",
    "SearchableSemanticHead",
    "SearchableShuffleNetV2",
    "Shared2FCGNBBoxHead",
    "SharedSemanticHead",
    "StuffToThings",
    "ThingsToStuff",
    "register_module",
]
