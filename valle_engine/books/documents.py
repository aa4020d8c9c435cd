"""One content document (XHTML or HTML) to paragraphs in reading order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from valle_engine.books.book import LeftOut, Paragraph, Run, Warned
from valle_engine.books.marks import MARKS, Manner, manner_of, pause_of
from valle_engine.books.omissions import ALWAYS, HEADINGS, omission
from valle_engine.books.xml import attribute, descendants, local_name, text_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

BLOCKS = HEADINGS | {
    *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dl"),
    *("dt", "fieldset", "figcaption", "figure", "footer", "header", "hgroup", "hr", "html", "legend", "li", "main"),
    *("nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
}
NEWER = frozenset({"bdi", "data", "picture", "slot"})
"""Elements of HTML that lxml's list lacks."""
NOTHING_TO_SAY = "nothing to say"
BEGINNING = 60
"""Characters of what is left out that are shown."""
_SPACE = re.compile(r"\s+")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u2060\ufeff"))
_AROUND_BREAK = re.compile(r" ?\n ?")
_ORNAMENT = re.compile(r"""[^\w"'“”‘’«»「」?!¿¡…]+""")
_KANA = re.compile(r"[\u3040-\u30ff]+")


class Passage(NamedTuple):
    """A paragraph, the `id`s that stand in it or before it since the last one, and its level as a heading, or 0."""

    paragraph: Paragraph
    ids: frozenset[str]
    level: int


@dataclass(slots=True)
class DocumentReader:
    """Walks through one document's tree. What is left out and what is odd is gathered in the lists it is given."""

    place: str
    leave_out: Container[str]
    left_out: list[LeftOut]
    warnings: list[Warned]
    notes: Mapping[Any, str] = field(default_factory=dict)
    _manners: list[Manner] = field(default_factory=lambda: [Manner()])
    _blocks: list[tuple[Any, str]] = field(default_factory=list)
    _steps: list[int] = field(default_factory=lambda: [0])
    _runs: list[Run] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _scene: bool = False
    _ready: list[Passage] = field(default_factory=list)

    def passages(self, tree: Any) -> Iterator[Passage]:
        """Stream the paragraphs in reading order."""
        from lxml import etree  # noqa: PLC0415 - only who reads a book needs it

        walk = etree.iterwalk(tree, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            if event == "start":
                if self._begin(element):
                    walk.skip_subtree()
                continue
            if event == "end":
                self._end(element)
            self._add(element.tail)
            yield from self._taken()

    def _taken(self) -> list[Passage]:
        taken, self._ready = self._ready, []
        return taken

    def _begin(self, element: Any) -> bool:
        """Enter an element; tells whether what is in it is passed over."""
        name = local_name(element)
        kind = self.notes.get(element) or omission(element, name)
        passed = bool(kind) and (kind == ALWAYS or kind in self.leave_out)
        self._steps[-1] += 1
        if name in BLOCKS or not self._blocks:
            self._finish_paragraph()
            self._blocks.append((element, "".join(f"/*[{step}]" for step in self._steps)))
        self._steps.append(0)
        self._note_ids(element, whole=passed)
        warn = self._warner(element)
        manner = manner_of(element, name, self._manners[-1], warn)
        self._manners.append(replace(manner, level=_level(element, name)) if _level(element, name) else manner)
        if passed:
            self._leave_out(element, kind)
            return True
        if self._is_whole(element, name):
            return True
        self._check_known(element, name)
        self._add(element.text)
        return False

    def _end(self, element: Any) -> None:
        self._steps.pop()
        if self._blocks[-1][0] is element:
            self._finish_paragraph()
            self._blocks.pop()
        self._manners.pop()

    def _is_whole(self, element: Any, name: str) -> bool:
        """Take an element that stands for itself; tells whether it was one."""
        if name == "ruby":
            self._ruby(element)
        elif name == "math":
            self._add(attribute(element, "alttext") or text_of(element))
        elif name == "br":
            self._break()
        elif name == "hr":
            self._scene = True
        else:
            if name == "break" and (pause := pause_of(element, self._warner(element))) is not None:
                self._runs.append(replace(self._run(""), pause=pause))
            return False
        return True

    def _break(self) -> None:
        """Begin a line; two in a row begin a paragraph, as some hands make them."""
        shown = next((run.text for run in reversed(self._runs) if run.text.strip(" ")), "")
        if shown == "\n":
            self._finish_paragraph()
        else:
            self._runs.append(self._run("\n"))

    def _ruby(self, element: Any) -> None:
        """Characters with their reading beside them; a reading in kana is what is said."""
        reading = "".join(text_of(each) for each in descendants(element, "rt"))
        beside = {each for part in descendants(element, "rt", "rp") for each in part.iter()}
        texts = [element.text, *(each.text for each in element.iterdescendants() if each not in beside)]
        tails = [each.tail for each in element.iterdescendants() if each.getparent() not in beside]
        base = "".join("".join(text for text in [*texts, *tails] if text).split())
        self._runs.append(replace(self._run(base), alias=reading if _KANA.fullmatch(reading) else ""))

    def _add(self, text: str | None) -> None:
        if text:
            self._runs.append(self._run(_SPACE.sub(" ", text.translate(_INVISIBLE))))

    def _run(self, text: str) -> Run:
        manner = self._manners[-1]
        return Run(text, manner.language, manner.speaker, manner.emphasis, manner.alias, manner.phonemes)

    def _note_ids(self, element: Any, *, whole: bool) -> None:
        for each in element.iter() if whole else (element,):
            self._ids.update(value for key in ("id", "name") if (value := each.get(key)))

    def _finish_paragraph(self) -> None:
        """Make a paragraph of the text gathered so far."""
        if not self._runs:
            return
        runs, self._runs = _collapsed(self._runs), []
        text = "".join(run.text for run in runs)
        if not any(letter.isalnum() for letter in text):
            self._without_words(text)
            runs = [replace(run, text="") for run in runs if run.pause is not None]
            if not runs:
                return
        (block, path), level = self._blocks[-1], self._manners[-1].level
        paragraph = Paragraph(
            runs=tuple(runs),
            kind="heading" if level else "text",
            place=self.place,
            line=_line_of(block),
            anchor=attribute(block, "id"),
            element=path,
            scene=self._scene,
        )
        self._ready.append(Passage(paragraph, frozenset(self._ids), level))
        self._ids.clear()
        self._scene = False

    def _without_words(self, text: str) -> None:
        if text and _ORNAMENT.fullmatch(text):
            self._scene = True
        elif text.strip():
            line = _line_of(self._blocks[-1][0])
            self.left_out.append(LeftOut(NOTHING_TO_SAY, self.place, line, len(text), text[:BEGINNING]))

    def _leave_out(self, element: Any, kind: str) -> None:
        if (text := text_of(element)) and kind != ALWAYS:
            line = _line_of(element)
            self.left_out.append(LeftOut(kind, self.place, line, len(text), text[:BEGINNING]))

    def _check_known(self, element: Any, name: str) -> None:
        from lxml.html import defs  # noqa: PLC0415 - only who reads a book needs it

        if name not in defs.tags and name not in BLOCKS | MARKS | NEWER:
            self._warner(element)(f"the mark <{name}> is not known and is dropped, what is in it is read")

    def _warner(self, element: Any) -> Any:
        return lambda message: self.warnings.append(Warned(message, self.place, _line_of(element)))


def _level(element: Any, name: str) -> int:
    """The level of a heading, 0 for another element."""
    if name in HEADINGS:
        return int(name[1])
    if attribute(element, "role") != "heading":
        return 0
    said = attribute(element, "aria-level")
    return int(said) if said.isdecimal() else 2


def _line_of(element: Any) -> int:
    """The line of an element in the file it was made from, where that is another one than it stands in."""
    for each in (element, *element.iterancestors()):
        if (given := each.get("data-line", "")).isdecimal():
            return int(given)
    return element.sourceline or 0


def _collapsed(runs: list[Run]) -> list[Run]:
    """Runs without the space that does not show, and without empty ones."""
    shown: list[Run] = []
    before = "\n"
    for run in runs:
        text = _AROUND_BREAK.sub("\n", run.text)
        if before in " \n":
            text = text.lstrip(" \n")
        if text.startswith("\n") and shown:
            shown[-1] = replace(shown[-1], text=shown[-1].text.rstrip(" "))
        if text or run.pause is not None:
            shown.append(replace(run, text=text))
        before = text[-1:] or before
    for at in range(len(shown) - 1, -1, -1):
        shown[at] = replace(shown[at], text=shown[at].text.rstrip())
        if shown[at].text:
            break
    return [run for run in shown if run.text or run.pause is not None]
