"""Networks for other programs: ONNX files, and their answers beside PyTorch's."""

from mmpanonas.deployment.comparing import compare_maps, compare_outputs
from mmpanonas.deployment.export import FORMS, export
from mmpanonas.deployment.facts import facts_of

__all__ = ["FORMS", "compare_maps", "compare_outputs", "export", "facts_of"]
