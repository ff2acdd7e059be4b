"""What the type of a part of a config means: a class, found as MMEngine finds it."""

from collections.abc import Iterator, Mapping

from mmengine.config import Config
from mmengine.registry import HOOKS, Registry


def kind_of(node: object, registry: Registry, scope: str | None = None) -> type | None:
    """The class or function that a config's ``type`` names, or is.

    Args:
        node: config of one part.
        registry: MMEngine's of such parts, such as ``mmengine.registry.HOOKS``.
        scope: the config's ``default_scope``.

    Returns:
        None where it names none, or one that is registered nowhere.
    """
    name = node.get("type") if isinstance(node, Mapping) else None
    if not isinstance(name, str):
        return name
    with registry.switch_scope_and_registry(scope or "mmdet") as found:
        return found.get(name)


def is_kind(node: object, kind: type, registry: Registry, scope: str | None = None) -> bool:
    """Whether a part of a config will be a ``kind``, or of a subclass."""
    found = kind_of(node, registry, scope)
    return isinstance(found, type) and issubclass(found, kind)


def hooks_of(cfg: Config | Mapping, kind: type | None = None) -> Iterator[tuple[str, dict]]:
    """Places and configs of the hooks, those of one class alone if ``kind`` is given."""
    named = cfg.get("default_hooks") or {}
    custom = cfg.get("custom_hooks") or ()
    places = [(f"default_hooks.{name}", hook) for name, hook in named.items()]
    places += [(f"custom_hooks.{place}", hook) for place, hook in enumerate(custom)]
    for place, hook in places:
        if isinstance(hook, Mapping) and (
            kind is None or is_kind(hook, kind, HOOKS, cfg.get("default_scope"))
        ):
            yield place, hook
