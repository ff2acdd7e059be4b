"""Pictures: architectures, panoptic panels and the progress of a search."""

from mmpanonas.visualization.arch_diagram import draw_arch
from mmpanonas.visualization.curves import draw_search
from mmpanonas.visualization.panel_hook import PanopticPanelHook
from mmpanonas.visualization.panels import PanelSample, draw_panel, draw_panels

__all__ = [
    "PanelSample",
    "PanopticPanelHook",
    "draw_arch",
    "draw_panel",
    "draw_panels",
    "draw_search",
]
