"""The book with its sound: what a reading system finds in it."""

import io
import json
import zipfile

import av
import pytest
from lxml import etree

from valle_plugins.audiobook.product import Audiobook

OPF = (
    '<package xmlns="http://www.idpf.org/2007/opf" version="{version}" unique-identifier="i">'
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="i">x</dc:identifier>'
    "<dc:title>Alice</dc:title><dc:creator>Lewis Carroll</dc:creator><dc:language>en</dc:language></metadata>"
    '<manifest><item id="a" href="text/one.xhtml" media-type="application/xhtml+xml"/>'
    '<item id="b" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/></manifest>'
    '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
)
PAGE = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body>{}</body></html>'
NS = {"s": "http://www.w3.org/ns/SMIL", "o": "http://www.idpf.org/2007/opf"}


@pytest.fixture
def epub(tmp_path):
    def epub(version="3.0"):
        path = tmp_path / "alice.epub"
        with zipfile.ZipFile(path, "w") as book:
            book.writestr("mimetype", "application/epub+zip")
            container = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
            book.writestr("META-INF/container.xml", container)
            book.writestr("OEBPS/book.opf", OPF.format(version=version))
            book.writestr("OEBPS/text/one.xhtml", PAGE.format('<h1>I.</h1><p id="own">Down. Down.</p>'))
            book.writestr("OEBPS/text/two b.xhtml", PAGE.format("<p>Tears.</p>"))
            book.writestr("OEBPS/style.css", "p {}")
        return path

    return epub


@pytest.fixture
def spoken(run):
    """The lines of the two documents, the second one of the paragraph apart."""

    def spoken(path):
        one = {"source": str(path), "place": "OEBPS/text/one.xhtml", "chapter": 1}
        run.add("h", 0.4, kind="heading", paragraph=1, element="/*/*[2]/*[1]", **one)
        run.add("p1", 0.5, paragraph=2, element="/*/*[2]/*[2]", **one)
        run.add("p2", 0.5, paragraph=2, element="/*/*[2]/*[2]", **one)
        two = {"source": str(path), "place": "OEBPS/text/two b.xhtml", "chapter": 2}
        run.add("q", 0.5, paragraph=1, element="/*/*[2]/*[1]", **two)
        return run

    return spoken


@pytest.fixture
def made(spoken, epub):
    """The parts of the EPUB that was made, by name."""
    top = Audiobook(read_along=True).make(spoken(epub()))
    with zipfile.ZipFile(next(top.rglob("*.epub"))) as book:
        assert book.infolist()[0].filename == "mimetype"
        assert book.infolist()[0].compress_type == zipfile.ZIP_STORED
        return {info.filename: book.read(info) for info in book.infolist()}


def test_a_paragraph_of_two_lines_is_one_passage_with_the_time_of_both(made):
    smil = etree.fromstring(made["OEBPS/valle-overlays/0001.smil"])
    texts = smil.xpath("//s:text/@src", namespaces=NS)
    begins, ends = (smil.xpath(f"//s:audio/@clip{side}", namespaces=NS) for side in ("Begin", "End"))
    assert texts == ["../text/one.xhtml#valle-1", "../text/one.xhtml#own"]
    assert (begins, ends) == (["00:00:00.500", "00:00:01.900"], ["00:00:00.900", "00:00:03.150"])
    page = etree.fromstring(made["OEBPS/text/one.xhtml"])
    assert page.xpath("string(//*[@id='valle-1'])") == "I."


def test_the_manifest_lists_overlays_and_sound_and_the_documents_name_theirs(made):
    package = etree.fromstring(made["OEBPS/book.opf"])
    overlay = {item.get("href"): item.get("media-overlay") for item in package.iterfind(".//o:item", NS)}
    assert overlay["text/one.xhtml"] == "valle-smil-0001"
    assert overlay["text/two%20b.xhtml"] == "valle-smil-0002"
    assert {"valle-overlays/0002.smil", "valle-overlays/0002.m4a"} <= overlay.keys()
    durations = package.xpath("//o:meta[@property='media:duration']/text()", namespaces=NS)
    assert durations == ["00:00:01.650", "00:00:00.500", "00:00:02.150"]


def test_the_sound_is_as_long_as_its_passages_say(made):
    with av.open(io.BytesIO(made["OEBPS/valle-overlays/0001.m4a"])) as sound:
        assert sound.duration / 1e6 >= 3.15


def test_everything_else_stays(made):
    assert made["OEBPS/style.css"] == b"p {}"


def test_an_epub_2_has_none_and_the_report_says_why(spoken, epub):
    top = Audiobook(read_along=True).make(spoken(epub("2.0")))
    assert not list(top.rglob("*.epub"))
    report = json.loads(next(top.rglob("report.json")).read_text())
    assert report["no_read_along"] == "media overlays need EPUB 3, this one is version 2.0"


def test_title_and_author_come_from_the_book(spoken, epub):
    top = Audiobook().make(spoken(epub()))
    assert (top / "Lewis Carroll" / "Alice" / "Alice.m4b").is_file()
