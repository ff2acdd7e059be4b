"""The labels of a plain detector: what its heads, its data sets and its checkpoint count.

MMDetection's ``CocoDataset`` drops what its ``metainfo`` does not name, and counts labels in the
order of the file: names in another order, or a head with another number of classes, would train and
score something else in silence.
"""

from collections.abc import Mapping, Sequence

from mmdet.datasets import CocoDataset
from mmdet.registry import DATASETS
from mmengine.dataset import BaseDataset

from mmpanonas.config.datasets import annotation_paths
from mmpanonas.config.judge.kinds import kind_of
from mmpanonas.datasets import Classes
from mmpanonas.datasets.annotations.instances import category_names
from mmpanonas.datasets.coco_panoptic import NoKindsError
from mmpanonas.errors import ConfigError


def is_panoptic(dataset: Mapping) -> bool:
    """Whether a data set's config tells things from stuff."""
    try:
        return Classes.of_meta(_bare(dataset).metainfo) is not None
    except NoKindsError:  # an annotation file for inference
        return True


def holds_instances(dataset: Mapping) -> bool:
    """Whether it is read as MMDetection's ``CocoDataset`` reads a file of instances."""
    kind = kind_of(dataset, DATASETS)
    return getattr(kind, "load_data_list", None) is CocoDataset.load_data_list


def label_names(meta: Mapping) -> tuple[str, ...]:
    """The classes of a data set's metainfo, by label; none where it names none."""
    names = meta.get("classes") or ()
    return (names,) if isinstance(names, str) else tuple(names)


def settle_names(
    datasets: Sequence[Mapping],
    slots: Sequence[tuple[Mapping, str, int]],
    trained: Mapping | None,
    source: str,
) -> None:
    """Compare the classes of data sets with each other, with the checkpoint's and with the heads.

    Args:
        datasets: configs of data sets without stuff.
        slots: of ``class_slots``.
        trained: the metainfo that the checkpoint was trained with, if it is known.
        source: what the checkpoint is called in errors.

    Raises:
        ConfigError: they differ, or a file lacks a class or lists them in another order.
    """
    home = label_names(trained or {})
    for dataset in datasets:
        names, where = label_names(_bare(dataset).metainfo), annotation_paths(dataset)[0]
        if holds_instances(dataset):
            _check_file(names, where)
        if not home:
            home, source = names, f"the data set of {where}"
        if names != home:
            raise ConfigError(
                f"the data set of {where} has {_shown(names)}, {source} has {_shown(home)}: give "
                f"the data set metainfo=dict(classes=...) with the same names in the same order"
            )
    for head, key, _ in slots:
        if head.get(key, len(home)) != len(home):
            raise ConfigError(
                f"{head['type']}.{key} is {head[key]}, but {source} has {_shown(home)}; set the "
                f"key to {len(home)}, or to None to have it filled in (and the data sets' "
                f"metainfo=dict(classes=...) if these are not their classes)"
            )


def _check_file(names: Sequence[str], file: str) -> None:
    listed = category_names(file)
    kept = tuple(name for name in listed if name in names)
    if kept != tuple(names):
        lacking = [name for name in names if name not in listed]
        what = f"lacks {_shown(lacking)} of them" if lacking else "lists them in another order"
        raise ConfigError(
            f"{file} {what}: the data set's classes are {_shown(names)}, the file's are "
            f"{_shown(listed)}; name those that you want in the file's order, "
            f"metainfo=dict(classes={tuple(listed[:3])}...), in every data set"
        )


def _shown(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > 5 else ""
    return f"{len(names)} classes ({', '.join(names[:5])}{more})"


def _bare(dataset: Mapping) -> BaseDataset:
    """The data set of a config without its pipeline and its list of pictures."""
    return DATASETS.build({**dataset, "pipeline": [], "lazy_init": True})
