"""`valle report`: where the page goes, and what is no run."""

import pytest

from tests.report.making import Made, make_run
from valle_engine.cli import main


@pytest.fixture
def out(tmp_path):
    return make_run(tmp_path / "out", [Made("a", scores={"wer": 0.5})])


def test_the_page_lies_in_the_run_s_folder(out, capsys):
    assert main(["report", str(out)]) == 0
    size = (out / "report.html").stat().st_size
    assert capsys.readouterr().out == f"{out / 'report.html'} ({size / 1000:.0f} kB)\n"
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert main(["verify", str(out)]) == 0


def test_the_page_goes_where_one_likes_under_a_title_of_its_own(out, tmp_path):
    assert main(["report", str(out), str(out), "-o", str(tmp_path / "two.html"), "--title", "Twice & more"]) == 0
    assert "<title>Twice &amp; more</title>" in (tmp_path / "two.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nowhere"], "there is no nowhere"), (["{out}", "-o", "{out}/no/page.html"], "cannot be written")],
)
def test_what_cannot_be_is_told(out, capsys, arguments, words):
    assert main(["report", *(each.format(out=out) for each in arguments)]) == 3
    assert words in capsys.readouterr().err
