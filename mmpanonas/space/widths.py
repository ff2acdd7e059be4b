"""Where the config of a model has its widths: one number, many keys."""

from collections.abc import Callable, Iterator, Mapping

from mmpanonas.errors import InputError
from mmpanonas.space.model import value_at
from mmpanonas.values import Kind, several, whole


def _same(width: object) -> object:
    return width


def _four(width: int) -> int:
    """Of four maps that lie side by side."""
    return 4 * width


#: By the name of a width, its keys in ``model`` and what each of them is; the first is the width.
WIDTHS: dict[str, dict[str, Callable]] = {
    "backbone": {
        "backbone.channels": list,
        "neck.in_channels": lambda channels: list(channels[1:]),
        "head.in_channels": lambda channels: channels[-1],
    },
    "pyramid": {
        "neck.out_channels": _same,
        "rpn_head.in_channels": _same,
        "roi_head.bbox_roi_extractor.out_channels": _same,
        "roi_head.bbox_head.in_channels": _same,
        "roi_head.mask_roi_extractor.out_channels": _same,
        "roi_head.mask_head.in_channels": _same,
        "bbox_head.in_channels": _same,
        "semantic_head.in_channels": _same,
        "things_to_stuff.in_channels": _four,
        "stuff_to_things.out_channels": _same,
    },
    "rpn": {"rpn_head.feat_channels": _same},
    "mask": {"roi_head.mask_head.conv_out_channels": _same},
    "semantic": {
        "semantic_head.channels": _same,
        "things_to_stuff.out_channels": _same,
        "stuff_to_things.in_channels": _four,
    },
    "groups": {
        "neck.norm_cfg.num_groups": _same,
        "roi_head.mask_head.norm_cfg.num_groups": _same,
        "semantic_head.norm_cfg.num_groups": _same,
    },
}

#: What each width is: of the stem and four stages, or one number.
KINDS: dict[str, Kind] = dict.fromkeys(WIDTHS, whole(1)) | dict(backbone=several(whole(1), 5))


def places_of(model: Mapping, name: str) -> Iterator[tuple[Mapping, str, str, Callable]]:
    """Of a width, what a model's modules say of it: module, key, path and what the key is."""
    for path, of in WIDTHS[name].items():
        place, _, key = path.rpartition(".")
        module = value_at(model, place, None)
        if isinstance(module, Mapping):
            yield module, key, path, of


def check_widths(model: Mapping, given: Mapping) -> None:
    """Raise ``InputError`` where keys of a model disagree with a width that ``given`` names."""
    for name, width in given.items():
        for module, key, path, of in places_of(model, name):
            if key in module and plain(module[key]) != plain(of(width)):
                raise InputError(
                    f"model.{path} is {module[key]!r}, and model_widths.{name}={plain(width)!r} "
                    f"makes it {of(width)!r}: give model_widths.{name} alone"
                )


def plain(width: object) -> object:
    """A width, to be compared: tuples as lists."""
    return list(width) if isinstance(width, list | tuple) else width
