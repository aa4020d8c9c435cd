"""Finding, loading and isolating plugins, by real distributions on the import path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from valle_engine.hookspecs import API_VERSION, GROUP
from valle_engine.plugins import KINDS, Plugins, load_plugins

SAMPLER = """
from typing import ClassVar
from valle_engine import Sampler, hookimpl

class {cls}(Sampler):
    name: ClassVar[str] = "{name}"
    def __call__(self, logits, history, states):
        return logits

@hookimpl
def samplers():
    return [{cls}]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(site: Path, name: str, code: str) -> None:
    """Put a distribution with one plugin module where imports find it."""
    module = name.replace("-", "_")
    (site / f"{module}.py").write_text(code)
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name}-plugin = {module}\n")


def report(plugins: Plugins, name: str) -> object:
    [found] = [report for report in plugins.reports if report.package == name]
    return found


def test_a_plugin_of_another_package_offers_its_parts(site: Path) -> None:
    install(site, "outside", SAMPLER.format(cls="Mine", name="mine"))
    plugins = load_plugins()
    assert plugins.samplers.build("mine").name == "mine"
    assert report(plugins, "outside").parts == {"samplers": ("mine",)}


def test_a_plugin_that_does_not_import_breaks_nothing_else(site: Path) -> None:
    install(site, "sad", "import no_such_module")
    plugins = load_plugins()
    told = report(plugins, "sad")
    assert told.status == "broken"
    assert "No module named 'no_such_module'" in told.problem
    assert plugins.sources.names()


def test_a_plugin_that_exits_at_import_breaks_nothing_else(site: Path) -> None:
    install(site, "quitter", "raise SystemExit(1)")
    assert report(load_plugins(), "quitter").status == "broken"


def test_a_plugin_whose_hook_raises_is_broken(site: Path) -> None:
    install(site, "thrower", "from valle_engine import hookimpl\n@hookimpl\ndef tasks():\n    raise KeyError('x')")
    assert "KeyError" in report(load_plugins(), "thrower").problem


def test_a_plugin_for_another_major_version_is_refused(site: Path) -> None:
    install(site, "old", 'VALLE_API = "0.9"')
    told = report(load_plugins(), "old")
    assert told.status == "refused"
    assert f"built for version 0.9 of the plugin hooks, this engine has {API_VERSION}" in told.problem


def test_a_misspelt_hook_is_refused_with_a_suggestion(site: Path) -> None:
    install(site, "typo", "from valle_engine import hookimpl\n@hookimpl\ndef sampler():\n    return []")
    assert "did you mean 'samplers'?" in report(load_plugins(), "typo").problem


def test_what_is_no_part_is_refused(site: Path) -> None:
    install(site, "wrong", "from valle_engine import hookimpl\n@hookimpl\ndef tasks():\n    return [int]")
    assert "which is no Task" in report(load_plugins(), "wrong").problem


def test_nothing_of_a_plugin_that_is_not_selected_is_imported(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = site / "canary"
    install(site, "hostile", f"import pathlib\npathlib.Path({str(canary)!r}).touch()")
    monkeypatch.setenv("VALLE_PLUGINS", "valle-engine, other")
    plugins = load_plugins()
    assert report(plugins, "hostile").status == "not selected"
    assert not canary.exists()
    assert plugins.sources.names()


def test_a_plugin_is_selected_by_its_entry_point_too(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "outside", SAMPLER.format(cls="Mine", name="mine"))
    monkeypatch.setenv("VALLE_PLUGINS", "outside-plugin")
    plugins = load_plugins()
    assert plugins.samplers.names() == ["mine"]


def test_two_packages_with_one_name_are_told(site: Path) -> None:
    install(site, "one", SAMPLER.format(cls="A", name="same"))
    install(site, "two", SAMPLER.format(cls="B", name="same"))
    assert load_plugins().clashes() == {"sampler same": ("one", "two")}


def test_every_kind_of_part_has_its_hook_and_its_base() -> None:
    plugins = load_plugins()
    for kind, base in KINDS.items():
        assert getattr(plugins, kind).kind == base.__name__.lower()


def valle(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "valle_engine", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def test_the_command_lists_plugins_as_json(site: Path) -> None:
    install(site, "sad", "import no_such_module")
    told = valle("plugins", "--json", PYTHONPATH=str(site))
    facts = {each["package"]: each for each in json.loads(told.stdout)["plugins"] if each["package"] == "sad"}
    assert told.returncode == 2
    assert "Traceback" in facts["sad"]["problem"]


def test_hooks_can_be_traced() -> None:
    told = valle("plugins", VALLE_TRACE_PLUGINS="1")
    assert "hook tasks: valle-engine:tasks" in told.stderr
    assert told.returncode == 0


def test_listing_plugins_loads_neither_torch_nor_ray() -> None:
    code = (
        "import sys; from valle_engine.cli import main; code = main(['plugins']); "
        "heavy = {'torch', 'ray', 'speechbrain', 'encodec', 'vocos'} & set(sys.modules); "
        "assert not heavy, heavy; sys.exit(code)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
