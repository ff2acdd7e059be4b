"""Pictures: architectures, panoptic panels, a search's progress and its scoreboard."""

from mmpanonas.visualization.arch_diagram import draw_arch
from mmpanonas.visualization.curves import draw_search
from mmpanonas.visualization.panel_hook import PanopticPanelHook
from mmpanonas.visualization.panels import PanelSample, draw_panel, draw_panels
from mmpanonas.visualization.scoreboard import draw_scoreboard

__all__ = [
    "PanelSample",
    "PanopticPanelHook",
    "draw_arch",
    "draw_panel",
    "draw_panels",
    "draw_scoreboard",
    "draw_search",
]
