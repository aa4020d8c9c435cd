"""Write docs/job-file.md from the schema of jobs and the built-in parts: `python -m tests.docs.generate`."""

from __future__ import annotations

import importlib.metadata
import inspect
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from tests.docs.pages import REPOSITORY
from valle_engine.hookspecs import GROUP
from valle_engine.job.schema import JobFile, Reading
from valle_engine.plugins import Plugins, load_plugins

PAGE = REPOSITORY / "docs" / "job-file.md"
OPENING = """\
# Job file

Made by `python -m tests.docs.generate` from the schema and the built-in parts; `valle schema` prints the same as JSON
Schema, with the plugins you have installed. A line `# yaml-language-server: $schema=job.schema.json` makes an editor
complete it.

A job is one YAML file. It is checked whole before any work starts, and every mistake is told at once, with its line.

```yaml
name: alice                            # the output goes to out/alice beside this file
task: {name: espeak, rate: 165}        # or the name alone
seed: 7
defaults: {language: en, voice: +f3}   # for items that do not say otherwise
items:                                 # or a source: {kind: jsonl, path: lines.jsonl, rename: {text: transcript}}
  - {id: ch01-0001, text: "Alice was beginning to get very tired."}
  - {id: ch01-0002, text: "So she was considering in her own mind.", voice: de}
workers: {executor: ray, count: auto, slots: 4}
output: {format: flac, products: [jsonl]}
```

- **Paths** start at the job file's folder. Those in a manifest may be confined to one folder by `root`.
- **Ids** are text: letters, digits, `.`, `_` and `-`, not beginning with a dot, 128 at most. `no`, `00123` and `12:30`
  stay what they are; so does everything else under `items` and `defaults`.
- **A part** (task, scorer, product) is its name, or a mapping with `name` and its options. A sampler is a key of
  `sampling` with a mapping of options, or one value for its first option.
- **YAML** is plain values only: no tags, no merge keys, no key twice; nesting and aliases are bounded. Long lists
  belong into JSONL, CSV or Parquet, which are streamed.
- What decides an item's output is its **fingerprint**: task, options, versions, model, sampling, seed, format, and the
  item's own fields with the content of its files. Everything else may change without anything being done again.
"""
NOTES = {"accept": "Bounds of a score, by the score's name."}
READING = "These stand beside `kind` and the source's own options."
TITLES = {
    "tasks": "Tasks",
    "sources": "Sources",
    "samplers": "Samplers",
    "scorers": "Scorers",
    "transcribers": "Transcribers",
    "normalisers": "Normalisers",
    "products": "Products",
}


def page() -> str:
    """The whole page."""
    sections = [_section("The file", "", JobFile)]
    sections += [_section(f"`{path}`", NOTES.get(path, ""), model) for path, model in _inner(JobFile)]
    sections.append(_section("`items` from a source", READING, Reading))
    parts = [_parts(load_built_in(), kind, title) for kind, title in TITLES.items()]
    return "\n".join([OPENING, *sections, *parts])


def load_built_in() -> Plugins:
    """The plugins of this package alone, whatever else is installed."""
    distribution = importlib.metadata.distribution("valle-engine")
    return load_plugins(distribution.entry_points.select(group=GROUP))


def _inner(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """The sections inside a section, with their paths."""
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            yield f"{path}{name}", inner
            yield from _inner(inner, f"{path}{name}.")


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models(argument)]


def _section(title: str, text: str, model: type[BaseModel]) -> str:
    return "\n".join([f"## {title}", "", *([text, ""] if text else []), *_table(model), ""])


def _parts(plugins: Plugins, kind: str, title: str) -> str:
    lines = [f"## {title}", ""]
    offers = sorted(getattr(plugins, kind).offers.items())
    for name, offer in offers:
        lines += [f"### `{name}`", "", inspect.cleandoc(offer.part.__doc__ or ""), "", *_table(offer.part)]
        if kind == "tasks":
            lines += ["", "Its items:", "", *_table(offer.part.Item)]
        lines.append("")
    return "\n".join(lines if offers else [*lines, "None is built in yet; see [plugins](plugins.md).", ""])


def _table(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    rows = [
        _row(name, field, required=name in required, definitions=schema.get("$defs", {}))
        for name, field in schema["properties"].items()
    ]
    return ["| key | value | default | |", "|---|---|---|---|", *rows] if rows else ["It has no options."]


def _row(name: str, field: dict[str, Any], *, required: bool, definitions: dict[str, Any]) -> str:
    described = field.get("description") or definitions.get(_reference(field), {}).get("description", "")
    default = "**required**" if required else _shown(field)
    return f"| `{name}` | {_kind(field)} | {default} | {_cell(described.partition(chr(10) * 2)[0])} |"


def _kind(field: dict[str, Any]) -> str:
    """A JSON Schema in words."""
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(each) for each in field["anyOf"] if each.get("type") != "null"))
    if "enum" in field or "const" in field:
        return " or ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list ({_kind(field['items'])})" if "items" in field else "list"
    return f"{_words(field)}{_bounds(field)}"


def _words(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return "mapping, see below"
    if field.get("format") == "path":
        return "path"
    named = {"string": "text", "object": "mapping", "integer": "whole number", "boolean": "`true` or `false`"}
    return named.get(str(field.get("type")), "number")


def _bounds(field: dict[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    told = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field and abs(field[key]) < 2**53]
    return f" {', '.join(told)}" if told else ""


def _shown(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default is None or default in ({}, [], "") or isinstance(default, dict):
        return ""
    return f"`{str(default).lower()}`" if isinstance(default, bool) else f"`{default}`"


def _reference(field: dict[str, Any]) -> str:
    return str(field.get("$ref", "")).rpartition("/")[2]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(page())
