"""Archives that are broken, locked, or made to do harm get one clear error, in bounded memory."""

import subprocess
import sys
import zipfile

import pytest

from tests.books import epubs
from tests.books.build import archive
from valle_engine.books import read_book
from valle_engine.books.archive import Archive
from valle_engine.errors import JobError

PACKAGE = epubs.package(["a.xhtml"])
PAGE = epubs.document("<p>x</p>")
SOUND = {"package.opf": PACKAGE, "a.xhtml": PAGE}
OUT = '<item id="i9" href="../../../etc/passwd" media-type="application/xhtml+xml"/>'
LOCKED = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData xmlns="http://www.w3.org/2001/04/'
    'xmlenc#"><CipherData><CipherReference URI="{uri}"/></CipherData></EncryptedData></encryption>'
)
LAUGHS = '<!DOCTYPE html [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><html><body><p>&b;</p></body></html>'
LEAK = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><body><p>&x;</p></body></html>'


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"a.xhtml": PAGE}, "it has no EPUB/package.opf|'EPUB/package.opf' is not in the archive"),
        ({"package.opf": PACKAGE}, "the spine names 'i0', which is not there"),
        ({**SOUND, "package.opf": PACKAGE.replace("<itemref", "<x")}, "the spine is empty"),
        ({**SOUND, "package.opf": PACKAGE[:-20]}, r"package\.opf:1: not sound XML"),
        (
            {**SOUND, "package.opf": epubs.package(["a.xhtml"], items=OUT)},
            "'../../../etc/passwd' leads out of the archive",
        ),
        ({**SOUND, "/../up.xhtml": PAGE}, r"a part is named '../up.xhtml', which leads out of the archive"),
        ({**SOUND, "//etc/x": PAGE}, "a part is named '/etc/x', which leads out"),
        ({**SOUND, "a.xhtml": LAUGHS}, r"book\.epub!EPUB/a\.xhtml: the document defines entities of its own"),
        ({**SOUND, "a.xhtml": LEAK}, "defines entities of its own"),
        ({**SOUND, "package.opf": LAUGHS}, "defines entities of its own"),
        ({**SOUND, "a.xhtml": b"\xff\xfe\x00"}, "not valid utf-16"),
        ({**SOUND, "a.xhtml": b"<?xml version='1.0' encoding='x-none'?><html/>"}, "unknown encoding 'x-none'"),
        ({**SOUND, "a.xhtml": "<div>" * 5000 + "x"}, r"a\.xhtml:1: no document is like that: Excessive depth"),
        ({**SOUND, "a.xhtml": b""}, "neither XML nor HTML"),
        ({**SOUND, "a.xhtml": epubs.document("<p>…</p>")}, "the book has no text to read"),
        (
            {**SOUND, "/META-INF/encryption.xml": LOCKED.format(uri="EPUB/a.xhtml")},
            r"a\.xhtml: the text is encrypted \(DRM\)",
        ),
    ],
)
def test_a_book_that_cannot_be_read_says_why_and_where(tmp_path, parts, words):
    path = epubs.write(tmp_path / "book.epub", parts)
    with pytest.raises(JobError, match=words) as error:
        read_book(path)
    [problem] = error.value.problems
    assert str(path) in str(problem)


def test_fonts_may_be_locked(tmp_path):
    parts = {**SOUND, "font.otf": b"x", "/META-INF/encryption.xml": LOCKED.format(uri="EPUB/font.otf")}
    assert read_book(epubs.write(tmp_path / "a.epub", parts)).chapters


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x03\x04 cut short"])
def test_what_is_no_archive_says_so(tmp_path, data):
    path = tmp_path / "a.epub"
    path.write_bytes(data)
    with pytest.raises(JobError, match="not a zip archive"):
        read_book(path)


def test_an_archive_without_a_container_is_no_epub(tmp_path):
    path = tmp_path / "a.epub"
    path.write_bytes(archive({"a.txt": b"x"}))
    with pytest.raises(JobError, match=r"it has no META-INF/container\.xml"):
        read_book(path)


def test_a_part_that_was_damaged_is_told(tmp_path):
    path = epubs.write(tmp_path / "a.epub", SOUND)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"<p>x</p>", b"<p>y</p>"))
    with pytest.raises(JobError, match="cannot be unpacked: Bad CRC-32"):
        read_book(path)


def test_a_locked_part_is_told(tmp_path):
    path = epubs.write(tmp_path / "a.epub", SOUND)
    data = bytearray(path.read_bytes())
    for place in (data.find(b"PK\x03\x04") + 6, data.find(b"PK\x01\x02") + 8):
        data[place] |= 1
    path.write_bytes(bytes(data))
    with Archive.open(path) as opened, pytest.raises(JobError, match="the part is encrypted"):
        opened.read("mimetype")


BOMB = """
import resource, sys
from pathlib import Path
from valle_engine.books import read_book
from valle_engine.errors import JobError
import lxml.etree, lxml.html
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
try:
    read_book(Path(sys.argv[1]))
except JobError as error:
    print(error)
"""


def test_a_bomb_is_told_in_bounded_memory(tmp_path):
    path = tmp_path / "a.epub"
    parts = {"META-INF/container.xml": epubs.CONTAINER, "EPUB/package.opf": epubs.package(["b.xhtml"])}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in parts.items():
            made.writestr(name, text)
        with made.open("EPUB/b.xhtml", "w") as part:
            for _ in range(100):
                part.write(b" " * 2**20)
    told = subprocess.run([sys.executable, "-c", BOMB, path], capture_output=True, text=True, check=True)
    assert "unpacks to more than 33,554,432 bytes" in told.stdout


def test_too_many_parts_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr("valle_engine.books.archive.MAX_ENTRIES", 3)
    with pytest.raises(JobError, match="4 parts, a book may have 3"):
        read_book(epubs.write(tmp_path / "a.epub", SOUND))
