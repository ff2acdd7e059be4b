"""What a model, or its config, says of its search space, and whether its cost can be counted.

A searchable part of a network is a module with ``part`` (a :class:`Part`), ``set_arch`` and
``active_choices``. Whoever searches, trains or recalibrates a network of whatever class asks the
functions here; one that has a ``set_arch`` of its own is asked itself.
"""

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from mmpanonas.errors import InputError
from mmpanonas.space.arch import Arch
from mmpanonas.space.operations import PARTS, PartKind
from mmpanonas.space.space import Part, SearchSpace

#: The classes whose cost is counted, by their place in a model's config.
_COUNTED = {
    "": ("AutoPanoptic",),
    "backbone": ("SearchableShuffleNetV2",),
    "neck": ("FPN",),
    "rpn_head": ("RPNHead",),
    "roi_head": ("StandardRoIHead",),
    "roi_head.bbox_head": ("Shared2FCBBoxHead", "Shared2FCGNBBoxHead"),
    "roi_head.mask_head": ("FCNMaskHead", "SearchableMaskHead"),
    "semantic_head": ("SharedSemanticHead", "SearchableSemanticHead"),
    "things_to_stuff": (None, "ThingsToStuff"),
    "stuff_to_things": (None, "StuffToThings"),
}

#: Keys that change the cost and are counted at this value alone, which is also the default.
_PLAIN = {
    "neck.num_outs": 5,
    "neck.start_level": 0,
    "neck.end_level": -1,
    "neck.add_extra_convs": False,
    "neck.no_norm_on_lateral": False,
    "neck.conv_cfg": None,
    "rpn_head.num_convs": 1,
    "rpn_head.anchor_generator.octave_base_scale": None,
    "rpn_head.anchor_generator.scales_per_octave": None,
    "rpn_head.loss_cls.custom_cls_channels": None,
    "roi_head.shared_head": None,
    "roi_head.bbox_head.with_avg_pool": False,
    "roi_head.bbox_head.conv_cfg": None,
    "roi_head.bbox_head.cls_predictor_cfg.type": "Linear",
    "roi_head.bbox_head.reg_predictor_cfg.type": "Linear",
    "roi_head.mask_head.conv_kernel_size": 3,
    "roi_head.mask_head.conv_cfg": None,
    "roi_head.mask_head.upsample_cfg.type": "deconv",
    "roi_head.mask_head.upsample_cfg.scale_factor": 2,
    "roi_head.mask_head.predictor_cfg.type": "Conv",
    "semantic_head.num_levels": 4,
    "things_to_stuff.num_gates": 4,
    "stuff_to_things.num_gates": 5,
}

#: Layers that are counted with a norm behind them: what the key is where the config has none.
_NORMED = {
    "backbone.norm_cfg": "a norm",
    "roi_head.mask_head.norm_cfg": None,
    "semantic_head.norm_cfg": "a norm",
}

#: The parts of networks that do not keep them, which every training pass asks for.
_FOUND: WeakKeyDictionary[object, list] = WeakKeyDictionary()

_ABSENT = object()


def parts_of(network: object) -> list:
    """The modules of a network that hold choices, in its own order; looked for once."""
    own = getattr(network, "searchable_parts", None)
    if own is not None:
        return own
    if network not in _FOUND:
        modules = network.modules()
        _FOUND[network] = [m for m in modules if isinstance(getattr(m, "part", None), Part)]
    return _FOUND[network]


def _network_space(network: object) -> SearchSpace:
    """The space that the parts of a network span; of one without parts there is one architecture.

    Raises:
        ArchError: two parts have one name.
    """
    own = getattr(network, "search_space", None)
    return SearchSpace(each.part for each in parts_of(network)) if own is None else own


def active_arch(network: object) -> Arch:
    """The path that a forward pass takes now."""
    return Arch(**{each.part.name: each.active_choices for each in parts_of(network)})


def set_arch(network: object, arch: object) -> None:
    """Make ``arch`` (anything ``Arch.load`` reads) the active path.

    Raises:
        ArchError: it is not in the network's space.
    """
    if hasattr(network, "set_arch"):
        network.set_arch(arch)
        return
    arch = _network_space(network).check(Arch.load(arch))
    for each in parts_of(network):
        each.set_arch(arch)


def space_of(model: object) -> SearchSpace:
    """The search space of a network, or of the config of one: parts, fixed ones included.

    Raises:
        ArchError: an architecture in the config does not fit.
    """
    if not isinstance(model, Mapping):
        return _network_space(model)
    whole_arch = model.get("arch")
    whole_arch = None if whole_arch is None else Arch.load(whole_arch)
    parts = []
    for part in PARTS.values():
        if part.sizes:
            parts += _sizes_of(part, model, whole_arch)
            continue
        config = value_at(model, part.place, None)
        if kind_of(config) != part.kind:
            continue
        own = config.get("arch") if whole_arch is None else whole_arch
        fixed = None if own is None else getattr(Arch.load(own), part.name)
        whole = bool(config.get("whole"))
        if whole_arch is not None and whole and not fixed:
            continue
        layers = config.get(*part.layers)
        stages = () if isinstance(layers, int) else tuple(layers)
        layers = sum(stages) if stages else layers
        chosen = config.get("operations")
        parts.append(Part(part.name, layers, fixed, whole and fixed is None, chosen, stages))
    return SearchSpace(parts)


def _sizes_of(kind: PartKind, model: Mapping, arch: Arch | None) -> list[Part]:
    """The part of widths or depths, if the model has it: searched, or fixed by its architecture."""
    chosen = value_at(model, f"elastic.{kind.name}", None)
    fixed = None if arch is None else getattr(arch, kind.name)
    if fixed == () or (fixed is None and chosen is None):
        return []
    return [Part(kind.name, len(kind.sizes), fixed, operations=chosen)]


def uncounted(model: Mapping, scope: str = "network") -> str:
    """Why the cost of a model's "backbone" or "network" cannot be counted; "" if it can be."""
    places = _COUNTED if scope == "network" else {"backbone": _COUNTED["backbone"]}
    for place, expected in places.items():
        config = value_at(model, place, None) if place else model
        found = kind_of(config)
        if found not in expected:
            path = ".".join(filter(None, ("model", place, "type")))
            names = " and ".join(filter(None, expected))
            return f"{path} is {found!r}; only {names} can be counted without building it"
    for place, usual in _NORMED.items():
        if place.split(".")[0] in places and not value_at(model, place, usual):
            return f"model.{place} is None; layers without a norm there are not counted"
    for place, usual in _PLAIN.items() if scope == "network" else ():
        value = value_at(model, place, usual)
        if value is not None and value != usual:
            return f"model.{place} is {value!r}; only {usual!r} is counted"
    return ""


def check_counted(model: Mapping, scope: str, what: str) -> None:
    """Raise ``InputError`` unless the cost can be counted that ``what`` asks for."""
    reason = uncounted(model, scope)
    if reason:
        raise InputError(f"{what} asks for the cost of the {scope}, but {reason}")


def kind_of(config: object) -> str | None:
    """The name of the class in a config's ``type``: text, with a scope or without, or a class."""
    kind = config.get("type") if isinstance(config, Mapping) else None
    name = kind if kind is None or isinstance(kind, str) else getattr(kind, "__name__", str(kind))
    return name and name.rpartition(".")[2]


def value_at(model: Mapping, path: str, default: object) -> object:
    """The value at a dotted path of a config, or ``default`` where there is none."""
    value: object = model
    for key in path.split("."):
        value = value.get(key, _ABSENT) if isinstance(value, Mapping) else _ABSENT
        if value is _ABSENT:
            return default
    return value
