"""What a key did not reach, said in a line: silence would look like obedience."""

from collections.abc import Mapping

from mmengine.config import Config
from mmengine.logging import print_log

from mmpanonas.config.datasets import named_datasets
from mmpanonas.config.spread import picture_size, recalibrations_of, scales_of
from mmpanonas.errors import ConfigError


def say_what_kept(cfg: Config, options: Mapping) -> None:
    """Log what keeps a root or a scale of its own beside those that the command line gives.

    Options of ``recalibration`` that reach nothing are said, too, and no error: a study gives the
    same options to a config that recalibrates and to one that does not.

    Raises:
        ConfigError: nothing takes what was given.
    """
    if options.get("data_root"):
        roots = {place: dataset.get("data_root") for place, dataset in named_datasets(cfg)}
        _say("data_root", str(options["data_root"]), roots)
    if options.get("image_scale"):
        cfg.image_scale = picture_size(options["image_scale"])
        _say("image_scale", cfg.image_scale, dict(scales_of(cfg)))
    given = sorted(key for key in options if key.split(".")[0] == "recalibration")
    if given and not recalibrations_of(cfg):
        what = f"{', '.join(given)}: nothing in {cfg.filename} recalibrates: this changes nothing"
        print_log(what, "current", 30)


def _say(key: str, given: object, found: Mapping[str, object]) -> None:
    others = {
        place: value
        for place, value in found.items()
        if value != given and not (isinstance(value, list | tuple) and given in value)
    }
    kept = ", ".join(f"{place} ({value})" for place, value in others.items())
    if found and len(others) == len(found):
        raise ConfigError(f"{key}={given} reaches nothing, each has its own: {kept}")
    if others:
        print_log(f"{key}={given} leaves what has its own: {kept}", "current", 30)
