"""Races: candidates that cannot be among the best any more are evaluated no further."""

from mmpanonas.racing.counts import PictureCounts
from mmpanonas.racing.rules import RACES, Contestant, Halving, PairedTest, Race

__all__ = ["RACES", "Contestant", "Halving", "PairedTest", "PictureCounts", "Race"]
