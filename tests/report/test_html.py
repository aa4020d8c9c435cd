"""The page as a file: what it holds, what it names, and that nothing in it can be taken for markup."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.making import Made, make_run, score, write_results, write_sound
from valle_engine.errors import StoreError
from valle_engine.plugins import load_plugins
from valle_engine.records import Failure
from valle_engine.report.html import SCRIPTS, _json, write_page
from valle_engine.report.reading import runs_named
from valle_engine.report.sounds import Sounds
from valle_engine.store.store import open_store


class Page(HTMLParser):
    """The elements of a page with the text of each script and style."""

    def __init__(self, path):
        super().__init__()
        self.elements = []
        self.texts = {}
        self._inside = None
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._inside = dict(attributes).get("id", tag) if tag in {"script", "style", "title"} else None

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside:
            self.texts[self._inside] = self.texts.get(self._inside, "") + data

    @property
    def report(self):
        return json.loads(self.texts["data"])


def written(folders, path, **more):
    read = runs_named([str(folder) for folder in folders], load_plugins())
    write_page(read.runs, path, **more)
    return Page(path)


@pytest.fixture
def out(tmp_path):
    return make_run(tmp_path / "out", [Made("a", scores={"wer": 0.5}), Made("b", scores={"wer": float("nan")})])


def test_a_page_holds_its_parts_and_names_no_other(out, tmp_path):
    page = written([out], tmp_path / "page.html")
    addresses = [value for _, each in page.elements for name, value in each.items() if name in {"src", "href"}]
    assert set(addresses) == {"data:,", "#items"}
    text = (tmp_path / "page.html").read_text()
    assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in page.texts["style"]
    assert "url(" not in page.texts["style"]


def test_only_the_page_s_own_script_and_style_may_run(out, tmp_path):
    page = written([out], tmp_path / "page.html")
    [policy] = [each["content"] for tag, each in page.elements if each.get("http-equiv")]
    for kind in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.texts[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_the_scripts_never_make_markup_of_text():
    folder = Path(__file__).parents[2] / "valle_engine" / "report" / "page"
    assert {path.stem for path in folder.glob("*.js")} == set(SCRIPTS)
    sources = "".join(path.read_text() for path in folder.glob("*.js"))
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(|fetch\(", sources
    )


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_data_pass_through_the_page_as_they_are(value):
    text = _json({"value": value})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"value": value}


def test_a_title_is_text(out, tmp_path):
    page = written([out], tmp_path / "page.html", title="</title><script>alert(1)</script>")
    assert page.texts["title"] == "</title><script>alert(1)</script>"
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 2


def test_items_come_with_scores_texts_and_failures(tmp_path):
    failed = Made("bad", failure=Failure("ItemError", "why", "x" * 9000))
    takes = ({"attempt": 0, "wer": 0.9}, {"attempt": 1, "wer": 0.5})
    out = make_run(tmp_path / "out", [Made("a", "Hi.", {"wer": 0.5, "wer.errors": 1.0}, "Hey.", takes=takes), failed])
    report = written([out], tmp_path / "page.html").report
    first, second = report["items"]
    [cell] = first["runs"]
    assert (first["text"], cell["heard"], cell["takes"]) == ("Hi.", {"given": "Hey."}, list(takes))
    assert cell["scores"] == {"wer": 0.5, "wer.errors": 1.0}
    assert (report["figures"], report["details"]) == (["wer"], ["wer.errors"])
    assert second["runs"][0]["failure"]["message"] == "why"
    assert len(second["runs"][0]["failure"]["detail"]) == 4000
    assert report["runs"][0]["states"] == {"done": 1, "failed": 1, "pending": 0}
    assert report["runs"][0]["scores"]["wer"] == {
        "better": "lower", "expected": 2, "scored": 1, "mean": {"value": 0.5}
    }  # fmt: skip


def test_a_score_that_is_no_number_counts_as_none(out, tmp_path):
    report = written([out], tmp_path / "page.html").report
    assert report["items"][1]["runs"][0]["scores"] == {"wer": None}
    assert report["runs"][0]["scores"]["wer"]["scored"] == 1


def test_what_is_pending_is_told(tmp_path):
    out = make_run(tmp_path / "out", [Made("a")], listed=3)
    report = written([out], tmp_path / "page.html").report
    assert report["runs"][0]["states"]["pending"] == 2
    assert report["notes"] == ["out: 2 of 3 items are pending: the same job goes on with them."]


def test_a_run_that_never_began_has_a_page(tmp_path):
    with open_store(str(tmp_path / "out")):
        pass
    report = written([tmp_path / "out"], tmp_path / "page.html").report
    assert (report["items"], report["runs"][0]["stamp"]) == ([], {})


def test_the_recipe_is_stamped(out, tmp_path):
    stamp = written([out], tmp_path / "page.html").report["runs"][0]["stamp"]
    assert stamp["recipe"]["task"]["options"] == {"rate": 175}
    assert stamp["recipe digest"] == "r1"
    assert stamp["engine"]


def test_results_are_preferred_to_the_ledger_s_scores(out, tmp_path):
    summary = {"name": "again", "scores": {"wer": score(0.25, 2, 1)}, "groups": {"speaker": {"p": {"items": 2}}}}
    rows = [
        {"id": "a", "wer": 0.25, "said:per": "h aɪ", "said:wer": "hi", "expected:wer": "ho", "by:speaker": "p"},
        {"id": "b", "wer": None, "said:per": None, "said:wer": None, "expected:wer": None, "by:speaker": "p"},
    ]
    write_results(out / "scores" / "basic", summary, rows)
    report = written([out / "scores" / "basic"], tmp_path / "page.html").report
    first, second = report["items"]
    assert report["runs"][0]["name"] == "again"
    assert report["runs"][0]["scores"]["wer"]["mean"] == {"value": 0.25, "low": 0.2, "high": 0.3}
    assert first["runs"][0]["scores"] == {"wer": 0.25}
    assert first["runs"][0]["words"] == {"said": "hi", "expected": "ho"}
    assert second["runs"][0]["scores"] == {"wer": None}
    assert (first["groups"], second["runs"][0]["words"]) == ({"speaker": "p"}, None)


def test_stale_scores_are_told(out, tmp_path):
    write_results(out, {"scores": {}, "stale": 2}, [{"id": "a"}])
    assert any(
        "2 items were scored by other rules" in each for each in written([out], tmp_path / "p.html").report["notes"]
    )


def test_results_that_cannot_be_read_are_an_error(out):
    write_results(out, {"scores": {}}, [{"id": "a"}])
    (out / "results.parquet").write_bytes(b"no parquet")
    with pytest.raises(StoreError, match="`valle score` makes them anew"):
        runs_named([str(out)], load_plugins())


def test_several_runs_are_joined_by_their_items(out, tmp_path):
    other = make_run(tmp_path / "x" / "out", [Made("c"), Made("b", scores={"speaker-similarity": 0.9})])
    report = written([out, other], tmp_path / "page.html").report
    assert [run["name"] for run in report["runs"]] == ["out", "out (2)"]
    assert [item["id"] for item in report["items"]] == ["a", "b", "c"]
    assert [cell is None for item in report["items"] for cell in item["runs"]] == [
        False,
        True,
        False,
        False,
        True,
        False,
    ]
    assert report["better"] == {"wer": "lower", "speaker-similarity": "higher"}


def test_sounds_are_named_from_the_page_once_each(tmp_path):
    voice = write_sound(tmp_path / "voices" / "a b#?.wav")
    fields = {"voice": str(voice), "audio": "+f3", "reference": str(tmp_path / "gone.wav")}
    out = make_run(tmp_path / "out", [Made("a", fields=fields), Made("b", fields=fields)])
    report = written([out], tmp_path / "pages.html").report
    assert report["sounds"] == ["voices/a%20b%23%3F.wav", "", "out/audio/a.flac", "out/audio/b.flac"]
    assert report["items"][0]["sounds"] == {"prompt": 0, "reference": 1}
    assert report["items"][1]["sounds"] == {"prompt": 0, "reference": 1}
    assert any("1 sound files are missing" in note and "gone.wav" in note for note in report["notes"])


def test_only_audio_is_put_into_a_page(tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_text("no sound at all")
    sound = write_sound(tmp_path / "sound.wav")
    sounds = Sounds(tmp_path / "page.html", embed=True)
    assert sounds.place(secret) is None
    assert sounds.place(tmp_path / "secret.txt") is None
    assert sounds.place(sound) == 0
    [address] = sounds.addresses
    assert base64.b64decode(address.removeprefix("data:audio/wav;base64,")) == sound.read_bytes()
