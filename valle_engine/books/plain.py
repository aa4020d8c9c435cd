"""Plain text as a document: paragraphs, chapter headings, marks.

Paragraphs end at an empty line; where a text has none, each line is one. A heading is a paragraph of at most two lines
that begins with a word for a part of a book and its number ("CHAPTER VII.", "Kapitel 3: …", "第三章"), with or without
a title behind it; that is one such word alone ("Prologue"); or a line that is underlined with = or -. The licence that
Project Gutenberg puts around a text is left out.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple

from valle_engine.books.book import LeftOut
from valle_engine.books.documents import BEGINNING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

LONGEST_HEADING = 100
_NUMBERED = (
    r"chapter|book|part|volume|canto|act|scene|letter|stave|kapitel|buch|teil|band|akt|szene|brief|gesang|"
    r"chapitre|livre|partie|tome|acte|scène|lettre|chant"
)
_NUMBER = (
    r"[0-9]{1,4}|[IVXLC]{1,8}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|the\s\w+|"
    r"eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|premier|première|second|seconde|"
    r"un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix"
)
_ALONE = (
    r"prologue|epilogue|preface|foreword|introduction|afterword|conclusion|interlude|dedication|acknowledgements|"
    r"prolog|epilog|vorwort|einleitung|nachwort|schluss|widmung|épilogue|préface|avant-propos|postface|"
    r"序|序章|序言|前言|终章|終章|後記|后记|あとがき|はじめに|머리말|맺음말"
)
_TITLE = r"(?:\s*[.:,—–-]\s*.*|\s+(?-i:[^\W\d_a-zà-ÿ]).*)?"
"""What may stand behind the number: a stop and anything, or a title that begins with a capital."""
_HEADING = re.compile(
    rf"(?:(?:{_NUMBERED})\s+(?:{_NUMBER}){_TITLE}|(?:{_ALONE})[.:]?|[0-9]{{1,3}}\.\s+kapitel{_TITLE}|"
    r"第\s*[0-9〇一二三四五六七八九十百千]{1,7}\s*[章回部卷巻話節节篇](?:[\s:：.、].*)?|"
    r"제\s*[0-9]{1,4}\s*[장부편화](?:[\s:：.].*)?)",
    re.IGNORECASE,
)
_UNDERLINE = re.compile(r"(?:={3,}|-{3,})")
_BEGINS = re.compile(r"\*{3}\s*START OF (?:THE|THIS) PROJECT GUTENBERG EBOOK.{0,200}")
_ENDS = re.compile(r"\*{3}\s*END OF (?:THE|THIS) PROJECT GUTENBERG EBOOK.{0,200}")
_TAG = re.compile(
    r"""&lt;(/?[A-Za-z][A-Za-z0-9:-]{0,30}(?:\s+[A-Za-z:-]{1,30}\s*=\s*(?:"[^"<>]{0,200}"|'[^'<>]{0,200}')){0,8}\s*/?)&gt;"""
)
_UNDERSCORED = re.compile(r"(?<![\w_])_(?=\S)([^_\n]{1,400}?)(?<=\S)_(?![\w_])")


class Block(NamedTuple):
    """A paragraph's lines, and the number of the first."""

    line: int
    lines: list[str]

    @property
    def is_heading(self) -> bool:
        """Whether it begins a chapter."""
        if len(self.lines) == 2 and _UNDERLINE.fullmatch(self.lines[1]):
            return True
        text = " ".join(self.lines)
        return len(self.lines) <= 2 and len(text) <= LONGEST_HEADING and bool(_HEADING.fullmatch(text))


def text_as_html(text: str, place: str, leave_out: Container[str], left_out: list[LeftOut]) -> str:
    """The text as an XHTML document, a heading or a paragraph for each block."""
    if "copyright" in leave_out:
        text = _without_licence(text, place, left_out)
    return "".join(["<html><body>", *map(_element, _blocks(text)), "</body></html>"])


def inline(text: str) -> str:
    """A text as XHTML: marks stay marks, everything else is text."""
    # An end tag or an attribute needs its quotes back; nothing else does.
    marked = _TAG.sub(r"<\1>", html.escape(text, quote=False))
    return _UNDERSCORED.sub(r"<em>\1</em>", marked)


def _element(block: Block) -> str:
    if block.is_heading:
        lines = [line for line in block.lines if not _UNDERLINE.fullmatch(line)]
        return f'<h1 data-line="{block.line}">{"<br/>".join(map(inline, lines))}</h1>'
    return f'<p data-line="{block.line}">{inline(" ".join(block.lines))}</p>'


def _blocks(text: str) -> Iterator[Block]:
    lines = text.split("\n")
    alone = not any(
        not line.strip() and before.strip() and after.strip()
        for before, line, after in zip(lines, lines[1:], lines[2:], strict=False)
    )
    first, gathered = 0, list[str]()
    for number, line in enumerate(lines, start=1):
        if line.strip():
            first = first if gathered else number
            gathered.append(line.strip())
        if gathered and (alone or not line.strip()):
            yield Block(first, gathered)
            gathered = []
    if gathered:
        yield Block(first, gathered)


def _without_licence(text: str, place: str, left_out: list[LeftOut]) -> str:
    """The text between the marks of Project Gutenberg, with as many lines before it as there were."""
    begins, ends = _BEGINS.search(text), _ENDS.search(text)
    start, end = begins.end() if begins else 0, ends.start() if ends else len(text)
    for piece, line in ((text[:start], 1), (text[end:], text.count("\n", 0, end) + 1)):
        if piece.strip():
            shown = " ".join(piece[: BEGINNING * 2].split())[:BEGINNING]
            left_out.append(LeftOut("copyright", place, line, len(piece), shown))
    return "\n" * text.count("\n", 0, start) + text[start:end]
