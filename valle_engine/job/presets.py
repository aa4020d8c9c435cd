"""What a job leaves to its parts: model, options and samplers to its model, the gate to its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from valle_engine.modelspec import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.parts import Model
    from valle_engine.plugins import Plugins


@dataclass(frozen=True, slots=True)
class Presets:
    """What holds where a job file's values say nothing. `model` is the part behind the model's name, if it is one."""

    values: Mapping[str, Any]
    named: Any
    model: Model | None

    @classmethod
    def of(cls, values: Mapping[str, Any], plugins: Plugins) -> Presets:
        """Look at a job's values; what is wrong with them is told by who reads them."""
        offer = plugins.tasks.offers.get(_name(values.get("task")))
        named = values.get("model")
        if named is None and offer is not None and offer.part.needs_model:
            named = DEFAULT_MODEL
        called = _name(named).partition("@")[0]
        return cls(values, named, plugins.models.build(called) if called in plugins.models.offers else None)

    def task(self) -> Any:
        """The task as the job says it, with the options that the model has for it."""
        given, options = self.values.get("task"), self._own("options")
        if not options or not isinstance(given, str | dict):
            return given
        return {**options, **({"name": given} if isinstance(given, str) else given)}

    def sampling(self) -> dict[str, Any]:
        """The model's samplers for the task: those of a job that has no `sampling`."""
        return {} if "sampling" in self.values else self._own("sampling")

    def _own(self, kind: str) -> dict[str, Any]:
        if self.model is None:
            return {}
        by_task: Mapping[str, Mapping[str, Any]] = getattr(self.model, kind)
        return dict(by_task.get(_name(self.values.get("task")), {}))


def with_gate(values: Mapping[str, Any], plugins: Plugins) -> dict[str, Any]:
    """A job's values with the gate of its source, for a job that has none: `accept: {}` wants none.

    The gate's scorers join those that the job lists.
    """
    items, listed = values.get("items"), values.get("scores", [])
    source = plugins.sources.offers.get(_name(items, "kind"))
    task = plugins.tasks.offers.get(_name(values.get("task")))
    if (
        source is None
        or task is None
        or not task.part.gives_sound
        or "accept" in values
        or not isinstance(listed, list)
    ):
        return dict(values)
    gate = source.part.gate
    names = {_name(spec) for spec in listed}
    scores = [*listed, *(spec for spec in gate.get("scores", ()) if _name(spec) not in names)]
    return {**gate, **values, "scores": scores} if gate else dict(values)


def _name(spec: Any, key: str = "name") -> str:
    """The name in a part's specification; empty for one that has none."""
    name = spec.get(key) if isinstance(spec, dict) else spec
    return name if isinstance(name, str) else ""
