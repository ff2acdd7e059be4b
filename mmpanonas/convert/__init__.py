"""Weights of the paper's released code, and DetNAS's backbones, as ours."""

from mmpanonas.convert.conversion import Conversion, convert
from mmpanonas.convert.reading import read_state
from mmpanonas.convert.released import Released

__all__ = ["Conversion", "Released", "convert", "read_state"]
