"""The classes of a config: one list, by name, for its model and all its data sets."""

import os
from collections.abc import Mapping

from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import BaseDataset

from mmpanonas.config.datasets import LOADERS, annotation_paths, datasets_of, leaves
from mmpanonas.config.judge.constructors import parameters
from mmpanonas.config.judge.kinds import kind_of
from mmpanonas.config.judge.labels import is_panoptic, label_names, settle_names
from mmpanonas.datasets import Classes, PanopticDataset, check_same
from mmpanonas.datasets.annotations.file import read_head
from mmpanonas.datasets.coco_panoptic import NoKindsError
from mmpanonas.errors import ClassesError, ConfigError, InputError


def class_slots(model: dict) -> list[tuple[dict, str, int]]:
    """Where a model config holds class counts: (part, key, 0 for things or 1 for stuff)."""
    heads = [owner.get(name) for owner in _owners(model) for name in ("bbox_head", "mask_head")]
    heads = [one for head in heads for one in (head if isinstance(head, list) else [head])]
    slots = [(head, "num_classes", 0) for head in heads if _counts_classes(head)]
    for name in ("semantic_head", "panoptic_fusion_head"):
        slots += [
            (model.get(name), "num_things_classes", 0),
            (model.get(name), "num_stuff_classes", 1),
        ]
    return [slot for slot in slots if slot[0]]


def _owners(model: Mapping) -> list[Mapping]:
    """Those of a model's dictionaries that may have heads: its RoI heads, and itself."""
    roi_heads = model.get("roi_head") or {}
    return [*(roi_heads if isinstance(roi_heads, list) else [roi_heads]), model]


def _counts_classes(head: object) -> bool:
    """Whether it is the config of a head with a number of classes, its own or a default one."""
    kind = kind_of(head, MODELS)
    return kind is not None and "num_classes" in parameters(kind).hints


def fill_classes(cfg: Config, classes: Classes | None = None) -> None:
    """Set the class counts that the model leaves open; see :func:`load_config`."""
    open_slots = [slot for slot in class_slots(cfg.model) if slot[0].get(slot[1]) is None]
    if open_slots:
        names = classes or _of_data(cfg)
        for part, key, kind in open_slots:
            part[key] = len(names[kind])


def _of_data(cfg: Config) -> Classes:
    try:
        meta = built(next(datasets_of(cfg))).metainfo
    except InputError as error:
        raise ClassesError(str(error)) from None
    return Classes.of_meta(meta) or Classes(label_names(meta), ())


def built(dataset: dict, **more: object) -> BaseDataset:
    """The data set of a config without its pipeline and its list of pictures."""
    return DATASETS.build({**dataset, "pipeline": [], "lazy_init": True, **more})


def data_classes(cfg: Config, loaders: tuple[str, ...] = LOADERS) -> Classes | None:
    """Those of the first data set; None for a model or data without things and stuff."""
    first = next(datasets_of(cfg, loaders), None)
    return Classes.of_meta(built(first).metainfo) if first and class_slots(cfg.model) else None


def is_annotated(cfg: Config, loader: str) -> bool:
    """Whether any data set of a loader has annotations to be scored by."""
    return any(getattr(built(leaf), "annotated", True) for leaf in leaves(cfg[loader]))


def settle_classes(
    cfg: Config,
    loaders: tuple[str, ...] = LOADERS,
    trained: Mapping | None = None,
    source: str = "the checkpoint",
) -> None:
    """Let every label of a run mean the same class, in the model, the checkpoint and the data.

    The classes are those of ``trained``, or of the first data set. Data sets of the ``loaders``,
    and of BN recalibration, that list the same names in another order are told that order. One
    without annotations is given the classes, whatever it lists.

    Args:
        trained: the metainfo that the checkpoint was trained with, if it is known.
        source: what the checkpoint is called in errors.

    Raises:
        InputError: a data set or the model has other classes than ``trained`` or than the first
            data set.
    """
    datasets = list(datasets_of(cfg, loaders))
    if not class_slots(cfg.model) or not datasets:
        return
    if not any(map(is_panoptic, datasets)):
        settle_names(datasets, class_slots(cfg.model), trained, source)
        return
    home = trained
    if Classes.of_meta(trained) is None:
        home, source = built(datasets[0]).metainfo, _name(datasets[0])
    read = [leaf for name in loaders if cfg.get(name) for leaf in leaves(cfg[name])]
    for dataset in datasets:
        only_pictures = not any(dataset is one for one in read)  # BN recalibration
        settle_dataset(dataset, home, source, only_pictures)
    for loader in (cfg[name] for name in loaders if cfg.get(name)):
        _make_one(list(leaves(loader)))
    _check_counts(cfg.model, Classes.of_meta(home), source)


def settle_dataset(dataset: dict, home: Mapping, source: str, only_pictures: bool = False) -> None:
    """Give a data set's labels the meaning that they have in the metainfo ``home``.

    Args:
        source: whose metainfo it is, for errors.
        only_pictures: no labels are read: categories that ``home`` lacks do not matter.

    Raises:
        InputError: its classes are others.
    """
    wanted = Classes.of_meta(home)
    try:
        found = built(dataset)
    except NoKindsError:
        return _give(dataset, home)
    theirs = Classes.of_meta(found.metainfo)
    if not isinstance(found, PanopticDataset):
        _check_foreign(dataset, theirs, wanted, source)
    elif theirs == wanted:
        ours, other = found.metainfo["palette"], home.get("palette") or found.metainfo["palette"]
        return None if list(map(tuple, ours)) == list(map(tuple, other)) else _give(dataset, home)
    elif not found.annotated:
        return _give(dataset, home)
    chosen = "classes" in (dataset.get("metainfo") or {})
    known = set(theirs.things) >= set(wanted.things) and set(theirs.stuff) >= set(wanted.stuff)
    if not (only_pictures and known and not chosen):
        check_same(
            theirs,
            _name(dataset),
            wanted,
            source,
            "give its categories the same names and the same isthing, or choose among them with "
            "metainfo=dict(classes=...) of the data set",
        )
    return _give(dataset, home)


def _give(dataset: dict, home: Mapping) -> None:
    """Have a data set count labels as ``home`` does; its own category ids stay."""
    keys = ("classes", "thing_classes", "stuff_classes", "palette")
    given = {key: home[key] for key in keys if key in home}
    dataset["metainfo"] = {**(dataset.get("metainfo") or {}), **given}
    if "category_ids" not in built(dataset).metainfo and "category_ids" in home:
        dataset["metainfo"]["category_ids"] = home["category_ids"]


def complete_category_ids(cfg: Config, loader: str) -> None:
    """Give a loader's data set the ids that its results need and its file lacks.

    Where the checkpoint does not tell them either, they come from the config's other data sets.

    Raises:
        ConfigError: nothing tells the id of a class.
    """
    dataset, known = next(leaves(cfg[loader])), {}
    meta = built(dataset).metainfo
    if "category_ids" in meta:
        return
    files = {annotation_paths(other)[0] for other in [dataset, *datasets_of(cfg)]}
    for file in filter(os.path.isfile, sorted(files)):
        known |= {entry["name"]: entry["id"] for entry in read_head(file).categories}
    missing = [name for name in meta["classes"] if name not in known]
    if missing:
        raise ConfigError(
            f"{_name(dataset)} lacks the categories {missing[:5]}, and neither the checkpoint nor "
            f"another data set of the config tells their ids; give the training data set "
            f"(train_dataloader.dataset.ann_file), which has them"
        )
    ids = [known[name] for name in meta["classes"]]
    dataset["metainfo"] = {**(dataset.get("metainfo") or {}), "category_ids": ids}


def _make_one(datasets: list[dict]) -> None:
    """Have data sets that are read as one agree on palette and category ids, too.

    Names agree already; MMEngine joins data sets of equal metainfo only.
    """
    metas = [built(dataset).metainfo for dataset in datasets] if len(datasets) > 1 else []
    if any(meta != metas[0] for meta in metas):
        for dataset in datasets:
            dataset["metainfo"] = dict(metas[0])


def _check_foreign(dataset: dict, theirs: Classes | None, wanted: Classes, source: str) -> None:
    """Refuse a data set of another type than ours whose labels are not those wanted."""
    file = annotation_paths(dataset)[0]
    listed = [category["name"] for category in read_head(file).categories]
    labels = tuple(name for name in listed if theirs is None or name in theirs.names)
    if theirs == wanted and labels == wanted.names:
        return
    raise ConfigError(
        f"{_name(dataset)} is read by {dataset['type']}, which counts labels in the file's order "
        f"({list(labels[:5])}, ...); {source} begins with {list(wanted.names[:5])}: use "
        "type='PanopticDataset', which goes by names"
    )


def _check_counts(model: dict, classes: Classes, source: str) -> None:
    if not all(classes) and getattr(MODELS.get(model["type"]), "needs_both_kinds", True):
        raise ConfigError(
            f"{source} has {len(classes.things)} things and {len(classes.stuff)} stuff; a "
            f"{model['type']} needs both (an AutoPanoptic does with one of them)"
        )
    for part, key, kind in class_slots(model):
        if part[key] != len(classes[kind]):
            raise ConfigError(
                f"{part['type']}.{key} is {part[key]}, but {source} has {len(classes[kind])} "
                f"classes of {('things', 'stuff')[kind]}; set the key to that, or to None to "
                "have it filled in"
            )


def _name(dataset: dict) -> str:
    return f"annotation file {annotation_paths(dataset)[0]}"
