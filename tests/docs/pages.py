"""The fenced blocks of a page of the documentation, and a shell to run its commands in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
MARK = "== command "
SITE = ".site"
"""Where the metadata of a page's packages lies, a folder each."""
_BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    """A fenced block; `file` is the name that a comment above gives it."""

    language: str
    text: str
    file: str | None


@dataclass(frozen=True)
class Command:
    """A command of a session and the output it is shown with: `...` is any lines, `…` any part of a line."""

    text: str
    shown: str

    def agrees(self, output: str) -> bool:
        """Whether an output is what the page shows."""
        lines = [
            r"(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("…"))) + r"[ ]*\n"
            for line in self.shown.splitlines()
        ]
        return re.fullmatch("".join(lines), output) is not None


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page in its order."""
    return [Block(found["language"], found["text"], found["file"]) for found in _BLOCK.finditer(page.read_text())]


def commands(page: Path) -> list[Command]:
    """Every command of a page's sessions; a line after `> ` continues the one before.

    A package that the page shows is installed from there on.
    """
    found: list[Command] = []
    for block in blocks(page):
        if block.file and block.file.endswith("/pyproject.toml"):
            package = Path(block.file).parent
            found.append(Command(f'export PYTHONPATH="$PYTHONPATH:$PWD/{package}:$PWD/{SITE}/{package}"', ""))
        if block.language != "console":
            continue
        for line in block.text.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:], ""))
            elif line.startswith("> ") or line == ">":
                found[-1] = Command(f"{found[-1].text}\n{line[2:]}", "")
            else:
                found[-1] = Command(found[-1].text, f"{found[-1].shown}{line}\n")
    return found


def prepare(page: Path, folder: Path) -> dict[str, str]:
    """Lay out what a page's commands need; returns their environment.

    The repository's jobs are there, the files the page shows, and the metadata of its packages.
    """
    shutil.copytree(REPOSITORY / "jobs", folder / "jobs", ignore=shutil.ignore_patterns("out"))
    for block in blocks(page):
        if block.file is None:
            continue
        path = folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
        if path.name == "pyproject.toml":
            install(tomllib.loads(block.text)["project"], folder / SITE / path.parent.name)
    own = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(folder / SITE),
        "OMP_NUM_THREADS": "1",
    }
    return {**os.environ, **own}


def install(project: dict[str, str | dict[str, dict[str, str]]], site: Path) -> None:
    """Make a distribution of a project's table known to Python: its name, its version, its entry points."""
    info = site / f"{str(project['name']).replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = dict(project["entry-points"])
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in each.items())
        for group, each in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


def run_session(session: list[Command], folder: Path, environment: dict[str, str]) -> list[str]:
    """Run commands in one shell; returns what each said, on both of its streams."""
    script = ["exec 2>&1"]
    for number, command in enumerate(session):
        script += [command.text, f"status=$?; printf '\\n{MARK}{number}\\n'; (exit $status)"]
    told = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=False,
    )
    pieces = re.split(rf"\n{MARK}\d+\n", told.stdout)
    return [piece if piece.endswith("\n") or not piece else f"{piece}\n" for piece in pieces[:-1]]
