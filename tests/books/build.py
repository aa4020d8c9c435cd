"""Build the book of the jobs, an EPUB with the same bytes everywhere: `python -m tests.books.build`.

Five of Æsop's fables as Joseph Jacobs told them (1894), and the beginning of chapter VII of "Alice's Adventures in
Wonderland" by Lewis Carroll (1865); both are in the public domain. It has what real books have: a cover, a title page,
a page of rights, a table of contents, page breaks, notes.
"""

from __future__ import annotations

import html
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
BOOK = REPOSITORY / "jobs" / "book.epub"
FABLES = Path(__file__).with_name("fables.txt")
TEA_PARTY = REPOSITORY / "jobs" / "mad-tea-party.txt"
LAST_LINE = "“I dare say you never even spoke to Time!”"
TITLE = "Five Fables and a Mad Tea-Party"
AUTHORS = ("Joseph Jacobs", "Lewis Carroll")
IDENTIFIER = "urn:uuid:3f0c2a6e-5d57-5c0b-9a52-6b1d5f6a1865"
NOTES = {"1": "The post at the end of the course; who passes it first has won."}
ROMANS = ("I", "II", "III", "IV", "V", "VI")
NOTE = re.compile(r"\[(\d)\]")
WIDTH, HEIGHT = 400, 600
PALETTE = bytes.fromhex("f4ead5 4b2e5a 7d4f8f 3f6b3a")
"""The cover's four colours: paper, dark and light grapes, leaf."""

CONTAINER = """\
<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
PAGE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="en" lang="en">
<head><title>{title}</title></head>
<body epub:type="{kind}">
{body}
</body>
</html>
"""


@dataclass(frozen=True)
class Chapter:
    """A chapter: its title, and its paragraphs; one that begins with `= ` is a moral."""

    title: str
    paragraphs: list[str]


def chapters() -> list[Chapter]:
    """The chapters in their order."""
    return [*fables(), tea_party()]


def fables() -> list[Chapter]:
    found: list[Chapter] = []
    for block in FABLES.read_text(encoding="utf-8").strip().split("\n\n"):
        if re.fullmatch(r"The [\w ]+", block):
            found.append(Chapter(block, []))
        else:
            found[-1].paragraphs.append(block)
    return found


def tea_party() -> Chapter:
    title, *lines = TEA_PARTY.read_text(encoding="utf-8").splitlines()
    return Chapter(title.removesuffix("."), lines[: lines.index(LAST_LINE) + 1])


def chapter_page(number: int, chapter: Chapter) -> str:
    page_break = (
        f'<span epub:type="pagebreak" role="doc-pagebreak" id="page{number}" aria-label="{number}">{number}</span>'
    )
    paragraphs = "\n".join(map(paragraph, chapter.paragraphs))
    heading = f"<h1>{ROMANS[number - 1]}.<br/>{html.escape(chapter.title)}</h1>"
    body = f'<section id="chapter{number}">\n{page_break}\n{heading}\n{paragraphs}\n</section>'
    return PAGE.format(title=chapter.title, kind="bodymatter", body=body)


def paragraph(text: str) -> str:
    if text.startswith("= "):
        return f'<hr/>\n<p class="moral"><em>{html.escape(text[2:])}</em></p>'
    reference = r'<a epub:type="noteref" role="doc-noteref" href="notes.xhtml#note\1">\1</a>'
    return f"<p>{NOTE.sub(reference, html.escape(text))}</p>"


def pages() -> Iterator[tuple[str, str]]:
    """The documents in reading order, by name."""
    front = f"<h1>{TITLE}</h1>\n<p>by {' and '.join(AUTHORS)}</p>"
    yield "title.xhtml", PAGE.format(title=TITLE, kind="frontmatter titlepage", body=front)
    rights = "<p>The texts are in the public domain. The fables were published in 1894, the tea-party in 1865.</p>"
    yield "rights.xhtml", PAGE.format(title="Rights", kind="frontmatter copyright-page", body=rights)
    yield "contents.xhtml", navigation()
    for number, chapter in enumerate(chapters(), start=1):
        yield f"chapter{number}.xhtml", chapter_page(number, chapter)
    notes = "\n".join(
        f'<aside epub:type="footnote" role="doc-footnote" id="note{sign}"><p>{sign}. {text}</p></aside>'
        for sign, text in NOTES.items()
    )
    yield "notes.xhtml", PAGE.format(title="Notes", kind="backmatter", body=notes)


def navigation() -> str:
    links = "\n".join(
        f'<li><a href="chapter{number}.xhtml#chapter{number}">{ROMANS[number - 1]}. {chapter.title}</a></li>'
        for number, chapter in enumerate(chapters(), start=1)
    )
    landmarks = '<li><a epub:type="bodymatter" href="chapter1.xhtml">Beginning</a></li>'
    body = (
        f'<nav epub:type="toc" role="doc-toc"><h1>Contents</h1><ol>\n{links}\n</ol></nav>\n'
        f'<nav epub:type="landmarks" hidden=""><ol>{landmarks}</ol></nav>'
    )
    return PAGE.format(title="Contents", kind="frontmatter", body=body)


def package(names: list[str]) -> str:
    ids = {name: name.removesuffix(".xhtml") for name in names}
    properties = {"contents.xhtml": ' properties="nav"'}
    items = "\n".join(
        f'    <item id="{ids[name]}" href="{name}" media-type="application/xhtml+xml"{properties.get(name, "")}/>'
        for name in names
    )
    spine = "\n".join(f'    <itemref idref="{ids[name]}"/>' for name in names)
    creators = "\n".join(f"    <dc:creator>{author}</dc:creator>" for author in AUTHORS)
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="id">{IDENTIFIER}</dc:identifier>
    <dc:title>{TITLE}</dc:title>
{creators}
    <dc:language>en</dc:language>
    <dc:publisher>valle-engine</dc:publisher>
    <dc:date>1894</dc:date>
    <dc:description>Five of Æsop’s fables, and the beginning of a chapter of Alice in Wonderland.</dc:description>
    <meta property="dcterms:modified">2026-01-01T00:00:00Z</meta>
  </metadata>
  <manifest>
    <item id="cover" href="cover.png" media-type="image/png" properties="cover-image"/>
{items}
  </manifest>
  <spine>
{spine}
  </spine>
</package>
"""


def cover() -> bytes:
    """A bunch of grapes on paper, as PNG of two bits a pixel."""
    berries = [(200 + 56 * (place - row / 2), 470 - 62 * row) for row in range(6) for place in range(row + 1)]
    rows = (bytes([0]) + packed(row_of(y, berries)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 2, 3, 0, 0, 0)
    parts = [(b"IHDR", header), (b"PLTE", PALETTE), (b"IDAT", stored(b"".join(rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_part(*part) for part in parts)


def row_of(y: int, berries: list[tuple[float, float]]) -> list[int]:
    return [color(x, y, berries) for x in range(WIDTH)]


def color(x: int, y: int, berries: list[tuple[float, float]]) -> int:
    if abs(x - 200) < 5 and 70 < y < 130:
        return 3
    if ((x - 245) / 60) ** 2 + ((y - 85) / 26) ** 2 < 1:
        return 3
    near = [(x - left) ** 2 + (y - top) ** 2 for left, top in berries]
    if min(near) > 30**2:
        return 0
    left, top = berries[near.index(min(near))]
    return 2 if (x - left + 9) ** 2 + (y - top + 9) ** 2 < 12**2 else 1


def packed(pixels: list[int]) -> bytes:
    """Four pixels a byte."""
    quads = (pixels[at : at + 4] for at in range(0, len(pixels), 4))
    return bytes(first << 6 | second << 4 | third << 2 | fourth for first, second, third, fourth in quads)


def stored(data: bytes) -> bytes:
    """A zlib stream that compresses nothing: implementations of zlib differ in their bytes."""
    blocks = [data[at : at + 65535] for at in range(0, len(data), 65535)]
    pieces = (
        struct.pack("<BHH", number == len(blocks), len(block), len(block) ^ 0xFFFF) + block
        for number, block in enumerate(blocks, start=1)
    )
    return b"\x78\x01" + b"".join(pieces) + struct.pack(">I", zlib.adler32(data))


def png_part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def epub() -> bytes:
    """The book."""
    documents = dict(pages())
    parts = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": CONTAINER.encode(),
        "EPUB/package.opf": package(list(documents)).encode(),
        "EPUB/cover.png": cover(),
        **{f"EPUB/{name}": text.encode() for name, text in documents.items()},
    }
    return archive(parts)


def archive(parts: dict[str, bytes]) -> bytes:
    """A zip archive that stores its parts, without the time of day."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as made:
        for name, data in parts.items():
            made.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


if __name__ == "__main__":
    BOOK.write_bytes(epub())
