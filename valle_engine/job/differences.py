"""Say in words why an item's fingerprint is not what it was."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

from valle_engine.job.fingerprints import FILES_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

SHOWN = 80
LEAD = 20
_ABSENT = object()


def differences(
    old_recipe: Mapping[str, Any],
    old_fields: Mapping[str, Any],
    new_recipe: Mapping[str, Any],
    new_fields: Mapping[str, Any],
    determining: Collection[str],
) -> list[str]:
    """What changed between two (recipe, item fields) pairs, a sentence each.

    `determining` names the fields of the task's items; what else a manifest carries along is left out. An empty recipe
    is one that is not known any more.
    """
    of_recipe = (
        _recipe_differences(old_recipe, new_recipe) if old_recipe else ["the recipe of then is not known any more"]
    )
    return [*of_recipe, *_field_differences(old_fields, new_fields, determining)]


def _recipe_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old["task"]["name"] != new["task"]["name"]:
        yield _changed("task", old["task"]["name"], new["task"]["name"])
    else:
        yield from _part_differences("task", old["task"], new["task"])
    yield from _model_differences(old.get("model") or {}, new.get("model") or {})
    if "codec" in old and "codec" in new:
        yield from _codec_differences(old["codec"], new["codec"])
    yield from _changes("", old, new, ("seed",))
    yield from _sampling_differences(old["sampling"], new["sampling"])
    if old["format"] != new["format"]:
        yield _changed("output format", old["format"], new["format"])


def _model_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if not old or not new:
        yield from _changes("", {"model": old.get("weights")}, {"model": new.get("weights")}, ("model",))
        return
    yield from _changes("model ", old, new, ("weights", "lora", "precision"))
    yield from _codec_differences(old["codec"], new["codec"])


def _codec_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old["name"] != new["name"]:
        yield _changed("codec", old["name"], new["name"])
        return
    yield from _part_differences("codec", old, new)
    if old.get("files") != new.get("files"):
        yield "weights of the codec changed"


def _sampling_differences(old: list[Mapping[str, Any]], new: list[Mapping[str, Any]]) -> Iterator[str]:
    before, after = {part["name"]: part for part in old}, {part["name"]: part for part in new}
    yield from (f"sampler {name} added" for name in after if name not in before)
    yield from (f"sampler {name} removed" for name in before if name not in after)
    common = [name for name in before if name in after]
    order = [name for name in after if name in before]
    if common != order:
        yield f"order of the samplers changed: {', '.join(common)} -> {', '.join(order)}"
    for name in common:
        yield from _part_differences(f"sampler {name}", before[name], after[name])


def _part_differences(thing: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield from _changes(f"{thing} option ", old["options"], new["options"], {**old["options"], **new["options"]})
    origins = [f"{part['package']} {part['version']}" for part in (old, new)]
    if origins[0] != origins[1]:
        yield f"package of {thing} changed: {origins[0]} -> {origins[1]}"


def _field_differences(old: Mapping[str, Any], new: Mapping[str, Any], determining: Collection[str]) -> Iterator[str]:
    old_files, new_files = old.get(FILES_KEY, {}), new.get(FILES_KEY, {})
    files = sorted(old_files.keys() & new_files.keys())
    yield from (f"{name} file changed: {new[name]}" for name in files if old_files[name] != new_files[name])
    yield from _changes("", old, new, (name for name in determining if name not in {*files, FILES_KEY}))


def _changes(prefix: str, old: Mapping[str, Any], new: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        before, after = old.get(name, _ABSENT), new.get(name, _ABSENT)
        if before != after:
            yield _changed(f"{prefix}{name}", before, after)


def _changed(thing: str, before: Any, after: Any) -> str:
    if isinstance(before, str) and isinstance(after, str):
        same = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
        start = max(0, sum(1 for _ in same) - LEAD)
        return f"{thing} changed: {_shown(before, start)} -> {_shown(after, start)}"
    return f"{thing} changed: {_shown(before)} -> {_shown(after)}"


def _shown(value: Any, start: int = 0) -> str:
    """A value in few characters; of a long text the part from `start`, just before what changed."""
    if value is _ABSENT:
        return "nothing"
    if isinstance(value, str) and len(value) > SHOWN:
        ends = value[start : start + SHOWN]
        return f"{'...' if start else ''}{ends!r}{'...' if start + SHOWN < len(value) else ''}"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
