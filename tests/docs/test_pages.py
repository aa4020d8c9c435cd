"""Every command that the documentation shows is run, and says what the page says it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import generate
from tests.docs.pages import PAGES, REPOSITORY, Command, blocks, commands, prepare, run_session
from tests.faults.bench import MARKER, Bench
from valle_engine.cli import VERBS
from valle_engine.hookspecs import API_VERSION
from valle_engine.job.loading import check_job
from valle_engine.plugins import load_plugins

LANGUAGES = {"console", "sh", "python", "yaml", "toml", "text", "json"}
CLUSTERS = {"cluster.md"}
SESSIONS = [page for page in PAGES if "console" in {block.language for block in blocks(page)}]


def name(page: Path) -> str:
    return page.name


def check_session(page: Path, folder: Path, environment: dict[str, str]) -> None:
    session = commands(page)
    outputs = run_session(session, folder, environment)
    for number, command in enumerate(session):
        said = outputs[number] if number < len(outputs) else "(the shell ended before)"
        assert command.agrees(said), f"{page.name}: $ {command.text}\nshown:\n{command.shown}\nsaid:\n{said}"


@pytest.mark.parametrize("page", [page for page in SESSIONS if page.name not in CLUSTERS], ids=name)
def test_a_page_s_commands_say_what_it_shows(page, tmp_path):
    check_session(page, tmp_path, prepare(page, tmp_path))


@pytest.mark.faults
@pytest.mark.parametrize("page", [page for page in SESSIONS if page.name in CLUSTERS], ids=name)
def test_a_page_s_commands_on_a_cluster_say_what_it_shows(page, tmp_path):
    bench = Bench(tmp_path)
    try:
        check_session(page, tmp_path, {**prepare(page, tmp_path), MARKER: bench.marker, "HOME": str(tmp_path)})
    finally:
        bench.kill_all()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_what_it_is_and_shell_stands_in_sessions(page):
    languages = [block.language for block in blocks(page)]
    assert set(languages) <= LANGUAGES
    assert languages.count("sh") == (2 if page.name == "README.md" else 0)
    assert page.read_text().count("\n```") == 2 * len(languages), "a fence is open, or has no line of its own"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_inside_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(found), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_job_that_is_shown_passes_the_check(page, tmp_path):
    folder = tmp_path
    prepare(page, folder)
    jobs = [
        block for block in blocks(page) if block.language == "yaml" and re.search(r"^task:", block.text, re.MULTILINE)
    ]
    for number, block in enumerate(jobs):
        if block.file:
            continue  # it is run by the page's commands, with the page's plugins
        path = folder / "jobs" / f"shown-{number}.yaml"
        path.write_text(block.text)
        _, problems = check_job(path, load_plugins())
        assert not problems


def test_the_reference_of_job_files_is_what_the_schema_and_the_parts_say():
    assert generate.PAGE.read_text() == generate.page(), "run `python -m tests.docs.generate`"


def test_the_pages_name_every_verb_and_no_other():
    text = "\n".join(page.read_text() for page in PAGES)
    assert set(re.findall(r"(?:`|\$ )valle (\w+)", text)) == set(VERBS)


def test_every_test_that_a_page_names_exists():
    sources = [path.read_text() for path in (REPOSITORY / "tests").rglob("test_*.py")]
    known = set(re.findall(r"^def (test_\w+)", "\n".join(sources), re.MULTILINE))
    named = {each for page in PAGES for each in re.findall(r"`(test_\w+)`", page.read_text())}
    assert not named - known


def test_the_pages_name_the_version_of_the_hooks():
    page = (REPOSITORY / "docs" / "plugins.md").read_text()
    assert set(re.findall(r'VALLE_API = "(.+?)"', page)) == {API_VERSION}


def test_output_is_compared_with_what_is_shown():
    shown = Command("ls", "one\n...\nlast … of 3\n")
    assert shown.agrees("one\ntwo\nlast item of 3\n")
    assert shown.agrees("one\nlast item of 3  \n")
    assert not shown.agrees("two\nlast item of 3\n")
    assert not shown.agrees("one\nlast item of 4\n")
    assert not Command("ls", "").agrees("something\n")
