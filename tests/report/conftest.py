"""A headless Chromium that tells what it asks for and what it complains of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.report.making import Made, make_run, score, write_results, write_sound
from valle_engine.cli import main
from valle_engine.records import Failure

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
EVIL = "</script><script>window.stolen = 1</script><img src=x onerror='window.stolen = 1'> & \u2028"


class Browser(webdriver.Chrome):
    """Chromium with a memory of what it was asked for."""

    def requests(self) -> list[str]:
        """Addresses asked for since the last call; what the page itself holds is none."""
        events = [json.loads(entry["message"])["message"] for entry in self.get_log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for params in sent if not (url := params["request"]["url"]).startswith("data:")]

    def complaints(self) -> list[str]:
        """What stands on the console, of any level."""
        return [entry["message"] for entry in self.get_log("browser")]

    def all(self, selector: str) -> list[Any]:
        return self.find_elements("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        return self.execute_script(
            "return Array.from(document.querySelectorAll(arguments[0]), (each) => each.textContent)", selector
        )

    def open_page(self, page: Path) -> None:
        """Open a report from its file, and forget what came before."""
        self.get("about:blank")
        self.requests(), self.complaints()
        self.get(page.as_uri())
        assert self.execute_script("return document.documentElement.dataset.ready"), self.complaints()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory) -> Iterator[Browser]:
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, found in programs.items() if not found]
    assert not missing, f"{' and '.join(missing)} missing: `apt-get install chromium chromium-driver`"
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    with Browser(options, Service(programs["chromedriver"])) as started:
        yield started


@pytest.fixture
def browser(chromium) -> Iterator[Browser]:
    """The browser in its usual size and colours."""
    yield chromium
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.fixture
def out(tmp_path) -> Path:
    """A scored run of thirty items: one failed, and one has words that would like to be markup."""
    voice = write_sound(tmp_path / "voices" / "a #1?.wav")
    items = [
        Made(
            f"line-{place:03}",
            f"Alice was beginning to get very tired number {place}.",
            {"wer": place / 20, "wer.errors": float(place), "speaker-similarity": 1 - place / 40},
            f"Alice was beginning to get very tired number {place}." if place % 3 else "Oh, Alice began to get tired.",
            fields={"voice": str(voice), "speaker": f"p{place % 3}", "language": "en"},
            seconds=0.1 * place,
            length=1 + place / 10,
        )
        for place in range(28)
    ]
    failure = Failure("ItemError", EVIL, f"Traceback\n  {EVIL}")
    items.append(Made("line-028", "This one fails.", failure=failure, fields={"speaker": EVIL, "language": "en"}))
    items.append(Made("line-029", EVIL, {"wer": 0.01}, EVIL, fields={"speaker": "p0", "language": "en", EVIL: EVIL}))
    folder = make_run(tmp_path / "out", items)
    scored(folder, items, 29)
    return folder


@pytest.fixture
def page(out) -> Path:
    """Its report."""
    assert main(["report", str(out)]) == 0
    return out / "report.html"


def scored(folder: Path, items: list[Made], count: int) -> None:
    """Put results beside a run."""
    group = {"items": 10, "scores": {"wer": score(0.3, 10, 10)}}
    summary = {
        "name": folder.name,
        "scores": {
            "wer": score(0.31, len(items), count),
            "speaker-similarity": score(0.7, len(items), count, better="higher"),
        },
        "groups": {"speaker": {"p0": group, "p1": group}},
        "recipes": [{"task": {"name": "espeak"}, "model": {"sha256": "0123456789abcdef"}}],
    }
    rows = [
        {
            "id": item.id,
            "wer": item.scores.get("wer"),
            "speaker-similarity": item.scores.get("speaker-similarity"),
            "transcript:given": item.heard,
            "said:wer": item.heard and item.heard.lower().replace(".", "").replace(",", ""),
            "expected:wer": item.heard and item.text.lower().replace(".", ""),
        }
        for item in items
    ]
    write_results(folder, summary, rows)
