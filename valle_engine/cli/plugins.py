"""`valle plugins`: what is installed, what it offers, and what is broken."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.plugins import Plugins, load_plugins

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("plugins", help="list what is installed")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """List the plugins; 2 when one of them is broken or two clash."""
    plugins = load_plugins()
    if arguments.json:
        facts = {"plugins": [asdict(report) for report in plugins.reports], "clashes": plugins.clashes()}
        print(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(_lines(plugins)))
    broken = any(report.status in {"broken", "refused"} for report in plugins.reports)
    return 2 if broken or plugins.clashes() else 0


def _lines(plugins: Plugins) -> list[str]:
    lines = []
    for report in plugins.reports:
        lines.append(f"{report.name}  {report.package} {report.version}  {report.status}  {report.load_ms:.0f} ms")
        lines += [f"  {kind}: {', '.join(names)}" for kind, names in report.parts.items() if names]
        lines += [f"  | {line}" for line in report.problem.rstrip().splitlines()]
    lines += [f"{name}: offered by {' and '.join(packages)}" for name, packages in plugins.clashes().items()]
    return lines
