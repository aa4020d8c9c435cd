"""The report in a real browser: opened from a file, sorted, filtered and heard."""

from __future__ import annotations

import random
import shutil
import time

import jiwer
import pytest

from tests.report.conftest import EVIL
from tests.report.making import Made, make_run
from valle_engine.cli import main

pytestmark = pytest.mark.browser

IDS = ".items tbody tr:not(.details) th > div:first-child"
STATUS = "#table [role=status]"


def eventually(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def set_filter(browser, name, value):
    """Give a field of the filters a value, as typing it would, and wait until the table follows."""
    script = """
        const field = document.querySelector(`form [name="${CSS.escape(arguments[0])}"]`);
        field.value = arguments[1];
        field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", {bubbles: true}));
    """
    browser.execute_script(script, name, value)
    time.sleep(0.3)  # typing is followed after a while


def sort_by(browser, label):
    [button] = [each for each in browser.all(".items thead button") if each.text.startswith(label)]
    button.click()
    [head] = [each for each in browser.all(".items thead th") if each.text.startswith(label)]
    return head.get_attribute("aria-sort")


def test_it_opens_from_a_file_and_asks_for_nothing_else(browser, page):
    browser.open_page(page)
    assert browser.requests() == [page.as_uri()]
    assert browser.complaints() == []
    assert browser.texts("h2") == ["Summary", "Distributions", "Groups", "Items", "How it was made"]


def test_the_summary_has_intervals_and_coverage(browser, page):
    browser.open_page(page)
    text = browser.find_element("id", "summary").text
    assert "0.31 [0.248, 0.372]" in text
    assert "29 / 30 (96.6 %)" in text
    assert "speaker-similarity ↑" in text
    assert "↑ higher is better · in brackets: 95 % intervals" in text
    assert "normaliser" in browser.find_element("id", "stamp").text
    assert "0123456789abcdef" in browser.find_element("id", "stamp").text


def test_the_worst_come_first(browser, page):
    browser.open_page(page)
    assert browser.texts(IDS)[:3] == ["line-028", "line-027", "line-026"]


def test_what_strangers_wrote_stays_text(browser, page):
    browser.open_page(page)
    assert EVIL in browser.find_element("css selector", ".failure").get_attribute("textContent")
    browser.find_element("css selector", ".more").click()
    assert EVIL in browser.find_element("css selector", "pre").get_attribute("textContent")
    assert browser.execute_script("return [typeof window.stolen, document.images.length]") == ["undefined", 0]
    assert browser.complaints() == []


def test_a_click_on_a_head_sorts_and_says_so(browser, page):
    browser.open_page(page)
    assert sort_by(browser, "wer") == "descending"
    assert browser.texts(IDS)[:2] == ["line-027", "line-026"]
    assert sort_by(browser, "wer") == "ascending"
    assert browser.texts(IDS)[:3] == ["line-000", "line-029", "line-001"]
    assert sort_by(browser, "speaker-similarity") == "ascending"
    assert browser.texts(IDS)[0] == "line-027"
    assert [each.get_attribute("aria-sort") for each in browser.all("thead th[aria-sort]")].count("none") > 1


def test_it_is_filtered_by_words_state_group_and_figure(browser, page):
    browser.open_page(page)
    set_filter(browser, "search", "NUMBER 17")
    assert browser.texts(IDS) == ["line-017"]
    assert browser.texts(STATUS) == ["Items 1 to 1 of 1 (of 30)"]
    set_filter(browser, "search", "")
    set_filter(browser, "state", "failed")
    assert browser.texts(IDS) == ["line-028"]
    set_filter(browser, "state", "")
    set_filter(browser, "group:speaker", "p1")
    set_filter(browser, "low", "1.0")
    assert browser.texts(IDS) == ["line-025", "line-022"]
    assert "wer of 2 items" in " ".join(browser.texts("figcaption"))
    browser.find_element("css selector", "form [type=reset]").click()
    eventually(lambda: browser.texts(STATUS) == ["Items 1 to 25 of 30"])


def test_pages_can_be_turned(browser, page):
    browser.open_page(page)
    browser.find_element("xpath", "//button[.='Next']").click()
    assert browser.texts(STATUS) == ["Items 26 to 30 of 30"]
    assert len(browser.texts(IDS)) == 5
    assert not browser.find_element("xpath", "//button[.='Next']").is_enabled()


def test_sound_is_asked_for_when_it_is_played_and_not_before(browser, page, out):
    browser.open_page(page)
    for _ in range(2):
        sort_by(browser, "wer")
    assert not browser.all("audio")
    assert browser.requests() == [page.as_uri()]
    [output] = browser.all("[aria-label='Play output of line-001']")
    output.click()
    sounding = "const [one] = document.querySelectorAll('audio'); return one.readyState > 1 && one.error === null"
    eventually(lambda: browser.execute_script(sounding))
    assert set(browser.requests()) == {(out / "audio" / "line-001.flac").as_uri()}
    browser.find_element("css selector", "[aria-label='Play prompt of line-000']").click()
    eventually(lambda: any("voices/a%20%231%3F.wav" in each for each in browser.requests()))
    paused = "return Array.from(document.querySelectorAll('audio'), (each) => [each.paused, each.preload])"
    eventually(lambda: [True, "none"] in browser.execute_script(paused))
    assert browser.complaints() == []


def test_a_sound_that_has_gone_is_told(browser, page, out):
    browser.open_page(page)
    (out / "audio" / "line-027.flac").unlink()
    browser.find_element("css selector", "[aria-label='Play output of line-027']").click()
    eventually(lambda: "cannot be played" in " ".join(browser.texts("[role=alert]")))


def test_an_embedded_page_plays_alone(browser, out, tmp_path):
    alone = tmp_path / "alone" / "page.html"
    alone.parent.mkdir()
    assert main(["report", str(out), "--embed", "-o", str(alone)]) == 0
    shutil.rmtree(out)
    browser.open_page(alone)
    browser.find_element("css selector", "[aria-label='Play output of line-027']").click()
    eventually(lambda: browser.execute_script("return document.querySelector('audio').readyState > 1"))
    assert browser.requests() == [alone.as_uri()]


def test_word_differences_are_marked_and_named(browser, page):
    browser.open_page(page)
    set_filter(browser, "search", "line-003")
    [line] = browser.texts(".difference")
    assert " ".join(line.split()) == (
        "added: oh alice missing: was missing: beginning added: began to get missing: very tired "
        "missing: number missing: 3"
    )
    assert len(browser.all(".heard del")) == 5
    set_filter(browser, "search", "line-004")
    assert browser.texts(".heard") == ["✓ heard as written"]


def test_differences_are_as_many_as_an_independent_tool_counts(browser, page):
    browser.open_page(page)
    chance = random.Random(5)
    pairs = [[[chance.choice("abcd") for _ in range(chance.randint(1, 9))] for _ in range(2)] for _ in range(200)]
    script = """
        return arguments[0].map(([wanted, said]) => {
          const steps = aligned(wanted, said, (unit) => unit);
          const read = (name) => steps.map((step) => step[name]).filter((unit) => unit !== undefined).join(" ");
          return [steps.filter((step) => step.kind !== "same").length, read("expected"), read("said")];
        });
    """
    for (wanted, said), (errors, left, right) in zip(pairs, browser.execute_script(script, pairs), strict=True):
        counted = jiwer.process_words(" ".join(wanted), " ".join(said))
        assert errors == counted.substitutions + counted.deletions + counted.insertions
        assert (left, right) == (" ".join(wanted), " ".join(said))


def test_runs_stand_side_by_side(browser, out, tmp_path):
    better = [Made(f"line-{place:03}", scores={"wer": place / 40}, heard="Alice.") for place in range(28)]
    other = make_run(tmp_path / "other", [*better, Made("extra", scores={"wer": 0.0})])
    page = tmp_path / "both.html"
    assert main(["report", str(out), str(other), "-o", str(page)]) == 0
    browser.open_page(page)
    heads = browser.texts(".items thead th")
    assert {"wer · out", "wer · other", "wer: other \N{MINUS SIGN} out"} <= set(heads)
    assert len(browser.all("figure")) == 3
    set_filter(browser, "search", "line-020")
    assert browser.texts(".items td.number") == ["1", "0.5", "-0.5"]
    assert {"▶ output · out", "▶ output · other"} <= set(browser.texts(".listen button"))
    set_filter(browser, "search", "extra")
    assert browser.texts(".state") == ["pending", "done"]
    assert browser.complaints() == []


def test_columns_can_be_chosen(browser, page):
    browser.open_page(page)
    assert "work (s)" not in browser.texts(".items thead th")
    browser.find_element("xpath", "//summary[.='Columns']").click()
    browser.find_element("xpath", "//label[contains(., 'work (s)')]/input").click()
    assert "work (s)" in browser.texts(".items thead th")


def test_a_run_without_scores_has_a_page(browser, tmp_path):
    out = make_run(tmp_path / "plain", [Made("a"), Made("b", length=2.0)])
    assert main(["report", str(out)]) == 0
    browser.open_page(out / "report.html")
    assert "no scores" in browser.find_element("id", "summary").text
    assert "length of 2 items" in " ".join(browser.texts("figcaption"))
    assert browser.complaints() == []


def work(browser):
    """Seconds that the page's thread has worked, whatever else the machine does."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(each["value"] for each in metrics if each["name"] == "TaskDuration")


def worked(browser, script, *arguments):
    before = work(browser)
    browser.execute_script(f"{script}; document.body.getBoundingClientRect()", *arguments)
    return work(browser) - before


def test_five_thousand_items_are_fluid(browser, tmp_path, record_testsuite_property):
    chance = random.Random(3)
    text = " ".join(["Alice was beginning to get very tired of sitting by her sister on the bank"] * 2)
    items = [
        Made(f"line-{place:05}", f"{text} {place}.", {"wer": chance.random(), "cer": chance.random()}, text)
        for place in range(5000)
    ]
    out = make_run(tmp_path / "many", items, one_file=True)
    assert main(["report", str(out)]) == 0
    browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    browser.open_page(out / "report.html")
    ready = work(browser)
    press = "document.querySelector(`[data-key='${arguments[0]}']`).click()"
    sorts = [worked(browser, press, key) for key in ("wer@0", "wer@0", "cer@0", "text", "text")]
    set_filter(browser, "search", "4321")
    filtered = worked(browser, "filterItems()")
    megabytes = (out / "report.html").stat().st_size / 1e6
    told = (
        f"{megabytes:.1f} MB: ready after {ready:.2f} s of work, a sort {max(sorts):.2f} s, a filter {filtered:.2f} s"
    )
    record_testsuite_property("five thousand items", told)
    assert browser.execute_script("return document.querySelectorAll('*').length") < 2500
    assert ready < 1.5
    assert max(sorts) < 0.5
    assert filtered < 0.25
