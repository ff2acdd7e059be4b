"""Networks: everything here registers itself for MMDetection configs."""

from mmpanonas.models.attention import StuffToThings, ThingsToStuff
from mmpanonas.models.backbone import SearchableShuffleNetV2
from mmpanonas.models.box_head import Shared2FCGNBBoxHead
from mmpanonas.models.choice import Choice, Searchable, SearchableNetwork
from mmpanonas.models.detector import AutoPanoptic
from mmpanonas.models.detectron import (
    DetectronAnchorGenerator,
    DetectronBoxCoder,
    DetectronRoIExtractor,
)
from mmpanonas.models.fusion_head import AutoPanopticFusionHead
from mmpanonas.models.mask_head import SearchableMaskHead
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
]
