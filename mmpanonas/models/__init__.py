"""Networks: everything here registers itself for MMDetection configs."""

from mmpanonas.models.backbone import SearchableShuffleNetV2
from mmpanonas.models.choice import Choice, Searchable
from mmpanonas.models.detector import AutoPanoptic
from mmpanonas.models.fusion_head import AutoPanopticFusionHead
from mmpanonas.models.semantic_head import SharedSemanticHead

__all__ = [
    "AutoPanoptic",
    "AutoPanopticFusionHead",
    "Choice",
    "Searchable",
    "SearchableShuffleNetV2",
    "SharedSemanticHead",
]
