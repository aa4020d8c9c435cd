"""Rules that the repository keeps about itself: what lies where, what imports what, what is never called."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import valle_engine
from tests.docs.pages import blocks
from valle_engine import hookspecs
from valle_engine.cli import VERBS
from valle_engine.plugins import load_plugins

REPOSITORY = Path(__file__).parents[1]
ENGINE = REPOSITORY / "valle_engine"
PLUGINS = REPOSITORY / "plugins" / "valle_plugins"
README = REPOSITORY / "README.md"
TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "valle_engine", "plugins", "jobs", "tests", "docs"}

LAYERS = re.findall(r"^\| \d+ \| (.+?) \|", (REPOSITORY / "docs" / "architecture.md").read_text(), re.MULTILINE)
LAYER = {unit: number for number, layer in enumerate(LAYERS) for unit in re.findall(r"`(\w+)`", layer)}
VERSION = "valle_engine.__version__"
# Networks, and how they are made: parts import them inside the methods that workers call.
OF_WORKERS = re.compile(
    r"valle_plugins\.(pocket\.(recipes\.\w+|features|codec_networks|open_codec|recogniser(_network)?)"
    r"|scorers\.(ecapa|wavlm)|\w+\.\w+_networks?)"
)
HEAVY = ("torch", "ray", "torchaudio", "encodec", "vocos", "speechbrain")


class Import(NamedTuple):
    """One import of a module; `of_types` when it stands under TYPE_CHECKING."""

    file: Path
    line: int
    module: str
    of_types: bool


def sources(*packages: Path) -> list[Path]:
    return sorted(path for package in packages for path in package.rglob("*.py"))


def imports(file: Path) -> list[Import]:
    return list(_imports(file, ast.parse(file.read_text()), of_types=False))


def _imports(file: Path, node: ast.AST, *, of_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        under = of_types or (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING")
        if isinstance(child, ast.Import):
            yield from (Import(file, child.lineno, alias.name, under) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (Import(file, child.lineno, name, under) for name in _names(child))
        yield from _imports(file, child, of_types=under)


def _names(node: ast.ImportFrom) -> list[str]:
    """The modules an import from a package leads to; `from valle_engine import x` may mean a module or a name."""
    module = node.module or ""
    if module != "valle_engine":
        return [module]
    return [f"valle_engine.{alias.name}" for alias in node.names]


def unit(path: Path) -> str:
    """The module or package of the engine that a file belongs to."""
    inside = path.relative_to(ENGINE)
    return inside.parts[0].removesuffix(".py")


def shown(found: Import) -> str:
    return f"{found.file.relative_to(REPOSITORY)}:{found.line} imports {found.module}"


def tracked() -> list[str]:
    told = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return told.stdout.splitlines()


def test_the_top_level_holds_what_it_must_and_nothing_else():
    top = {name.partition("/")[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} == TOP_LEVEL


def test_ci_can_be_run():
    told = subprocess.run(
        ["git", "ls-files", "-s", ".ci/run"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("100755")


def test_ci_runs_the_commands_of_the_readme_and_then_the_faults():
    told = subprocess.run([REPOSITORY / ".ci" / "run", "--print"], capture_output=True, text=True, check=True)
    first, second = [block.text for block in blocks(README) if block.language == "sh"]
    said = re.sub(r"/\S+?/venv\b", ".venv", told.stdout)
    places = [said.find(first), said.find(second), said.find(".venv/bin/pytest -m faults")]
    assert -1 not in places
    assert places == sorted(places)


PYTHON = """#!/bin/bash
mkdir -p "$3/bin"
echo "export PATH='$3/bin:$PATH'" > "$3/bin/activate"
for tool in pip valle ruff mypy pytest; do
    printf '#!/bin/bash\\necho "did %s $*"; [[ %s != "$BROKEN" ]]\\n' $tool $tool > "$3/bin/$tool"
    chmod +x "$3/bin/$tool"
done
"""


def run_ci(folder: Path, broken: str) -> tuple[int, list[str]]:
    """Run CI with a Python whose environments hold nothing but tools that say what they were asked."""
    for name, script in {"python3": PYTHON, "chromium": "#!/bin/bash\n", "chromedriver": "#!/bin/bash\n"}.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "BROKEN": broken, "TMPDIR": str(folder)}
    told = subprocess.run([REPOSITORY / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False)
    assert not list(folder.glob("tmp.*")), "it leaves its environments behind"
    return told.returncode, [line for line in told.stdout.splitlines() if line.startswith("did ")]


def test_ci_does_all_of_it_in_order(tmp_path):
    code, done = run_ci(tmp_path, broken="")
    assert code == 0
    assert done == [
        "did pip install .",
        "did valle run jobs/first.yaml",
        "did pip install -e .[test]",
        "did ruff format --check .",
        "did ruff check .",
        "did mypy ",
        "did pytest ",
        "did pytest -m browser",
        "did pytest -m faults",
    ]


@pytest.mark.parametrize("broken", ["valle", "mypy", "pytest"])
def test_ci_stops_at_what_fails(tmp_path, broken):
    code, done = run_ci(tmp_path, broken)
    assert code != 0
    assert done[-1].split()[1] == broken


def test_the_first_command_runs_the_main_job_and_the_second_every_check():
    first, second = [block.text for block in blocks(README) if block.language == "sh"]
    assert first.rstrip().endswith("valle run jobs/first.yaml")
    for check in ("ruff format --check .", "ruff check .", "mypy", "pytest"):
        assert re.search(rf"&&\s+{re.escape(check)}\s", second)
    assert all("python3 -m venv .venv" in command for command in (first, second))


def test_every_module_of_the_engine_has_a_layer():
    assert {unit(path) for path in sources(ENGINE)} - {"__init__"} <= LAYER.keys()


def test_imports_go_down_the_layers():
    up = [
        shown(found)
        for path in sources(ENGINE)
        if unit(path) != "__init__"
        for found in imports(path)
        if not found.of_types and found.module.startswith("valle_engine.") and found.module != VERSION
        if LAYER[found.module.split(".")[1]] > LAYER[unit(path)]
    ]
    assert not up


def test_the_engine_never_imports_its_plugins():
    assert not [shown(found) for path in sources(ENGINE) for found in imports(path) if "valle_plugins" in found.module]


def test_the_built_in_plugins_import_the_public_door_alone():
    page = (REPOSITORY / "docs" / "plugins.md").read_text()
    door = set(re.findall(r"^\| `(valle_engine[\w.]*)` \|", page, re.MULTILINE))
    names = {f"valle_engine.{name}" for name in valle_engine.__all__}
    assert len(door) > 5
    inside = [
        shown(found)
        for path in sources(PLUGINS)
        for found in imports(path)
        if found.module.startswith("valle_engine") and found.module not in names
        if not any(found.module == each or found.module.startswith(f"{each}.") for each in door - {"valle_engine"})
    ]
    assert not inside


def test_the_engine_s_front_exports_what_it_says():
    assert all(hasattr(valle_engine, name) for name in valle_engine.__all__)
    assert valle_engine.__all__ == sorted(valle_engine.__all__)


def loaded_by(code: str) -> set[str]:
    """The heavy libraries that are loaded after some code."""
    probe = f"import sys\n{code}\nprint('loaded:', *({set(HEAVY)!r} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(told.stdout.rpartition("loaded:")[2].split())


def test_importing_the_engine_loads_nothing_heavy():
    assert not loaded_by("import valle_engine, valle_engine.testing")


HELP = """
from contextlib import suppress
from valle_engine.cli import main
for verb in [[], *([verb] for verb in {verbs!r})]:
    with suppress(SystemExit):
        main([*verb, "--help"])
"""


def test_help_of_every_verb_loads_nothing_heavy():
    assert not loaded_by(HELP.format(verbs=list(VERBS)))


def test_importing_every_module_of_every_plugin_loads_nothing_heavy():
    relative = [path.relative_to(PLUGINS.parent).with_suffix("") for path in sources(PLUGINS)]
    names = [".".join(path.parts).removesuffix(".__init__") for path in relative]
    modules = [name for name in names if not OF_WORKERS.fullmatch(name)]
    assert not loaded_by(f"import importlib\nfor name in {modules!r}: importlib.import_module(name)")


def hooks() -> list[str]:
    return [name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), f"{hookspecs.GROUP}_spec")]


@pytest.mark.parametrize("hook", hooks())
def test_every_hook_is_documented_and_tested(hook):
    page = (REPOSITORY / "docs" / "plugins.md").read_text()
    assert re.search(rf"^\| `{hook}\(.*\)` \|", page, re.MULTILINE), "docs/plugins.md has no row of it"
    used = re.compile(rf"def {hook}\(|\b{hook}\b\.(offers|build|names)|hook\.{hook}\(|import {hook}$", re.MULTILINE)
    tests = [path.read_text() for path in sources(REPOSITORY / "tests") if path != Path(__file__)]
    assert any(used.search(text) for text in [page, *tests]), "no test implements or calls it"


CALLS = {"eval", "exec", "os.system", "os.popen", "pickle.load", "pickle.loads", "yaml.load", "yaml.unsafe_load"}


def unsafe(call: ast.Call) -> bool:
    """Whether a call runs text or loads code; `eval` as a method is a model's, not Python's."""
    switched = {(keyword.arg, ast.unparse(keyword.value)) for keyword in call.keywords}
    return ast.unparse(call.func) in CALLS or bool(switched & {("weights_only", "False"), ("shell", "True")})


def unsafe_calls(text: str) -> list[int]:
    return [node.lineno for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and unsafe(node)]


def test_no_unsafe_call_is_in_the_packages():
    assert not [f"{path}:{line}" for path in sources(ENGINE, PLUGINS) for line in unsafe_calls(path.read_text())]


@pytest.mark.parametrize(
    "code",
    [
        "torch.load(path, weights_only=False)",
        "pickle.load(file)",
        "yaml.load(text, Loader=x)",
        "run(c, shell=True)",
        "eval(x)",
    ],
)
def test_an_unsafe_call_would_be_found(code):
    assert unsafe_calls(code) == [1]
    assert not unsafe_calls("model.eval()\ntorch.load(path, weights_only=True)\nrun([command])")


def test_torch_loads_weights_explicitly_safe():
    loads = [
        (path, node)
        for path in sources(ENGINE, PLUGINS)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    for path, node in loads:
        assert ("weights_only", "True") in {(each.arg, ast.unparse(each.value)) for each in node.keywords}, path


def test_no_module_is_a_drawer_of_odds_and_ends():
    names = {path.stem for path in sources(ENGINE, PLUGINS, REPOSITORY / "tests")}
    assert not names & {"utils", "util", "helpers", "misc", "common"}


def test_nothing_is_left_to_be_done():
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [path for path in sources(ENGINE, PLUGINS) if marks.search(path.read_text())]
    assert not found


def test_the_version_is_one():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    changelog = (REPOSITORY / "docs" / "changelog.md").read_text()
    latest = re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert project["version"] == valle_engine.__version__ == latest[1]


def test_the_licence_is_whole():
    licence = (REPOSITORY / "LICENSE").read_text()
    assert "Apache License" in licence.splitlines()[0]
    assert all(f"\n   {number}. " in licence for number in range(1, 10))
    assert licence.rstrip().endswith("END OF TERMS AND CONDITIONS")
    assert "[name of copyright owner]" not in licence
    section = README.read_text().partition("## Licence")[2]
    assert all(
        word in section for word in ("Apache License 2.0", "phonemizer", "espeak-ng", "GPL", "EnCodec", "CC-BY-NC")
    )


def test_both_packages_say_that_they_are_typed():
    assert (ENGINE / "py.typed").exists()
    assert (PLUGINS / "py.typed").exists()


def test_every_built_in_part_keeps_its_form():
    plugins = load_plugins()
    for report in plugins.reports:
        if report.package == "valle-engine":
            assert report.status == "loaded", report.problem
    for kind in plugins.offers.values():
        for offer in kind:
            assert offer.part.__doc__, offer.part
            assert all(field.description for field in offer.part.model_fields.values()), offer.part
            assert offer.part.model_config["frozen"], offer.part
