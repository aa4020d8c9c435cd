"""`valle models`: list, fetch, inspect and verify models, and merge adapters into them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.errors import JobError
from valle_engine.model.names import find_model
from valle_engine.modelspec import DEFAULT_MODEL
from valle_engine.parts import HubFile
from valle_engine.plugins import load_plugins

if TYPE_CHECKING:
    import argparse

    from valle_engine.model.hub import Inspection, Listed


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("models", help="list, fetch, inspect, verify and merge models")
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="what to do (default: list)")
    parser.add_argument("model", nargs="?", default=DEFAULT_MODEL, help=f"a name or a path (default: {DEFAULT_MODEL})")
    parser.add_argument("--sha256", help="hash that the weights must have")
    parser.add_argument("--offline", action="store_true", help="look at what is here already, ask nobody")
    parser.add_argument("--lora", type=Path, action="append", default=[], help="an adapter to merge; may be repeated")
    parser.add_argument("--weight", type=float, default=1.0, help="how strongly merged adapters act (default: 1)")
    parser.add_argument("-o", "--output", type=Path, help="the file to write the merged model to (.sft)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Do one action; 2 when a model fails its verification. Raises `CheckpointError`."""
    return ACTIONS[arguments.action](arguments)


def _list(arguments: argparse.Namespace) -> int:
    from valle_engine.model.hub import list_models  # noqa: PLC0415 - it loads torch

    found = list_models(load_plugins().models)
    facts = [_facts(each) for each in found]
    _tell(arguments, facts, [line for each in found for line in _listed(each)])
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    path = _file(arguments)
    _tell(arguments, {"model": arguments.model, "path": str(path)}, [str(path)])
    return 0


def _inspect(arguments: argparse.Namespace) -> int:
    from valle_engine.model.hub import inspect  # noqa: PLC0415 - it loads torch

    found = inspect(_file(arguments))
    licence = _licence(arguments.model)
    facts = {**asdict(found), "path": str(found.path), "tokenizer": _text(found.tokenizer), "licence": licence}
    _tell(arguments, facts, _inspected(found, licence))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from valle_engine.model.hub import fetch, verify  # noqa: PLC0415 - it loads torch

    path = fetch(arguments.model, load_plugins().models, offline=arguments.offline)
    problems = verify(path, arguments.sha256)
    facts = {"model": arguments.model, "path": str(path), "sound": not problems, "problems": problems}
    _tell(arguments, facts, problems or [f"{path}: sound"])
    return 2 if problems else 0


def _merge(arguments: argparse.Namespace) -> int:
    from valle_engine.training.adapters import write_merged  # noqa: PLC0415 - it loads torch

    if not arguments.lora or arguments.output is None:
        raise JobError("merging takes the adapters as --lora PATH, and the file to write as -o PATH")
    adapters = dict.fromkeys(arguments.lora, arguments.weight)
    write_merged(arguments.model, load_plugins().models, adapters, arguments.output)
    facts = {"model": arguments.model, "lora": [str(path) for path in adapters], "path": str(arguments.output)}
    _tell(arguments, facts, [str(arguments.output)])
    return 0


ACTIONS = {"list": _list, "fetch": _fetch, "inspect": _inspect, "verify": _verify, "merge": _merge}


def _file(arguments: argparse.Namespace) -> Path:
    from valle_engine.model.hub import fetch  # noqa: PLC0415 - it loads torch

    return fetch(arguments.model, load_plugins().models, offline=arguments.offline, sha256=arguments.sha256)


def _tell(arguments: argparse.Namespace, facts: Any, lines: list[str]) -> None:
    print(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode() if arguments.json else "\n".join(lines))


def _facts(model: Listed) -> dict[str, Any]:
    part, hub = model.part, asdict(model.weights) if isinstance(model.weights, HubFile) else {}
    voices = sorted(part.voices())
    own = {"name": part.name, "about": part.about, "licence": part.licence, "codec": part.codec, "voices": voices}
    return {**own, **hub, "path": _text(model.path)}


def _listed(model: Listed) -> list[str]:
    part, place = model.part, model.weights
    voices = ", ".join(sorted(part.voices()))
    hub = isinstance(place, HubFile)
    return [
        f"{part.name}  {part.about}",
        *([f"  {place.repository}/{place.file} at {place.revision}"] if isinstance(place, HubFile) else []),
        f"  {model.path or ('not fetched' if hub else f'not here: {part.remedy}')}",
        f"  codec: {part.codec}",
        *([f"  voices: {voices}"] if voices else []),
        f"  licence: {part.licence}",
    ]


def _inspected(found: Inspection, licence: str) -> list[str]:
    return [
        str(found.path),
        f"  {found.bytes:,} bytes, SHA-256 {found.sha256}",
        f"  version {found.version}, {found.parameters:,} parameters in {found.tensors} tensors, step {found.step}",
        f"  capabilities: {', '.join(found.capabilities)}",
        f"  heads: {', '.join(found.heads)}",
        f"  tokenizer: {found.tokenizer or ('inside' if found.vocabulary else 'none')}",
        f"  licence: {licence}",
    ]


def _licence(model: str) -> str:
    part = find_model(model, load_plugins().models).part
    return part.licence if part else "not known: ask where the file comes from"


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
