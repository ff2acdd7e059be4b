"""Pictures: architectures, panoptic panels, a search's progress, scoreboard and report."""

from mmpanonas.visualization.arch_diagram import draw_arch
from mmpanonas.visualization.curves import draw_front, draw_search
from mmpanonas.visualization.fed import fed_sample
from mmpanonas.visualization.panel_hook import PanopticPanelHook
from mmpanonas.visualization.panels import PanelSample, draw_panel, draw_panels, panel_figure
from mmpanonas.visualization.report import write_report
from mmpanonas.visualization.scoreboard import draw_scoreboard
from mmpanonas.visualization.search_data import SearchData, read_search

__all__ = [
    "PanelSample",
    "PanopticPanelHook",
    "SearchData",
    "draw_arch",
    "draw_front",
    "draw_panel",
    "draw_panels",
    "draw_scoreboard",
    "draw_search",
    "fed_sample",
    "panel_figure",
    "read_search",
    "write_report",
]
