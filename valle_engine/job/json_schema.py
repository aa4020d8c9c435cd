"""The JSON Schema of a job file, with the options of the installed parts, so that editors complete them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic.json_schema import models_json_schema

from valle_engine.job.schema import JobFile, Reading
from valle_engine.parts import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from valle_engine.plugins import Plugins
    from valle_engine.registry import Registry

P = TypeVar("P", bound=Part)

MODE: Literal["validation"] = "validation"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def job_schema(plugins: Plugins) -> dict[str, Any]:
    """The schema of a job file for these plugins, in the 2020-12 dialect."""
    shapes = _Shapes(plugins)
    schema = shapes.taken(JobFile)
    properties = schema["properties"]
    fields = shapes.item_fields()
    properties["task"] = _described(properties["task"], oneOf=shapes.named(plugins.tasks))
    properties["model"]["anyOf"].append({"type": "string"})
    properties["sampling"] |= shapes.chain()
    properties["items"] = _described(properties["items"], oneOf=[_item_list(fields), *shapes.sources()])
    properties["defaults"] |= {"properties": {name: field for name, field in fields.items() if name != "id"}}
    properties["scores"]["items"] = {"oneOf": shapes.named(plugins.scorers)}
    scoring = shapes.definitions["Scoring"]["properties"]
    scoring["transcribers"]["items"] = {"oneOf": shapes.named(plugins.transcribers)}
    scoring["normaliser"] = _described(scoring["normaliser"], oneOf=shapes.named(plugins.normalisers))
    shapes.definitions["Output"]["properties"]["products"]["items"] = {"oneOf": shapes.named(plugins.products)}
    return {"$schema": DIALECT, **schema, "$defs": shapes.definitions}


class _Shapes:
    """The schemas of all models of a job. `definitions` holds those that others refer to by name."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        scoring = (plugins.scorers, plugins.transcribers, plugins.normalisers)
        parts = [_parts(kind) for kind in (plugins.tasks, plugins.samplers, plugins.products, *scoring)]
        models: list[type[BaseModel]] = [JobFile, Reading, *chain(*parts), *_parts(plugins.sources), *self._items()]
        pairs = [(model, MODE) for model in dict.fromkeys(models)]
        self._names, everything = models_json_schema(pairs, ref_template="#/$defs/{model}")
        self.definitions: dict[str, Any] = everything["$defs"]

    def taken(self, model: type[BaseModel]) -> dict[str, Any]:
        """The schema of a model, to be written where it is used: nothing refers to it any more."""
        name = self._names[model, MODE]["$ref"].removeprefix("#/$defs/")
        return dict(self.definitions.pop(name))

    def named(self, registry: Registry[Any]) -> list[dict[str, Any]]:
        """A part by its name alone, where it needs no options, or by a mapping with `name`."""
        shapes: list[dict[str, Any]] = []
        for part in _parts(registry):
            options = self.taken(part)
            if not options.get("required"):
                shapes.append({"const": part.name, "description": options.get("description", "")})
            shapes.append(_with_key(options, "name", part.name))
        return shapes or [{"not": {}}]

    def chain(self) -> dict[str, Any]:
        """Samplers by name, each with a mapping of its options, a value for the first, or nothing."""
        properties: dict[str, Any] = {}
        for part in _parts(self._plugins.samplers):
            options = self.taken(part)
            first = list(options.get("properties", {}).values())[:1]
            nothing = [] if options.get("required") else [{"type": "null"}]
            properties[part.name] = {
                "anyOf": [options, *first, *nothing],
                "description": options.get("description", ""),
            }
        return {"properties": properties, "additionalProperties": False}

    def sources(self) -> list[dict[str, Any]]:
        """Sources by `kind`, with the keys that all of them have."""
        shared = self.taken(Reading)["properties"]
        return [_with_key(self.taken(part), "kind", part.name, shared) for part in _parts(self._plugins.sources)]

    def item_fields(self) -> dict[str, Any]:
        """The fields of all tasks' items, without their types: whatever is written is read as the task needs it."""
        found: dict[str, Any] = {}
        for model in self._items():
            for name, field in self.taken(model)["properties"].items():
                found.setdefault(name, {"description": field.get("description", "")})
        return found

    def _items(self) -> list[type[BaseModel]]:
        return list(dict.fromkeys(task.Item for task in _parts(self._plugins.tasks)))


def _parts(registry: Registry[P]) -> list[type[P]]:
    return [offer.part for _, offer in sorted(registry.offers.items())]


def _described(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"description": schema.get("description", ""), **more}


def _item_list(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "required": ["id"], "properties": fields}}


def _with_key(options: dict[str, Any], key: str, value: str, shared: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A mapping of options in which one key tells which part they are for."""
    properties = {key: {"const": value}, **options.get("properties", {}), **(shared or {})}
    return {**options, "properties": properties, "required": [key, *options.get("required", [])]}
