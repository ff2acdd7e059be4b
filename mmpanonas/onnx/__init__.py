"""Pictures through an exported network: NumPy, OpenCV and onnxruntime, no PyTorch."""

from mmpanonas.onnx.network import KEY, Network, Panoptic

__all__ = ["KEY", "Network", "Panoptic"]
