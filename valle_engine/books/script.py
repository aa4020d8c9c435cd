"""A script as a document: a JSON object a line, which may say who speaks.

`text` is a paragraph; `kind: heading` makes it one; `chapter` begins a chapter wherever it changes, and is its title;
`speaker` and `language` hold for the paragraph; `scene: true` begins a new scene. Marks may stand in the text.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from valle_engine.books.plain import inline
from valle_engine.errors import JobError, Problem
from valle_engine.registry import problems_of

if TYPE_CHECKING:
    from collections.abc import Iterator


class ScriptLine(BaseModel):
    """One paragraph of a script."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str = Field(description="The paragraph, with marks.")
    kind: Literal["heading", "text"] = "text"
    chapter: str = ""
    speaker: str = ""
    language: str = ""
    scene: bool = False


def script_as_html(text: str, place: str) -> tuple[str, dict[str, str]]:
    """The script as an XHTML document, and the titles of its chapters by the `id` they begin at. Raises `JobError`."""
    titles: dict[str, str] = {}
    pieces: list[str] = []
    chapter = ""
    for number, line in _lines(text, place):
        anchor = ""
        if line.chapter and line.chapter != chapter:
            chapter, anchor = line.chapter, f"chapter-{len(titles) + 1}"
            titles[anchor] = chapter
        pieces.append(_element(number, line, anchor))
    return "".join(["<html><body>", *pieces, "</body></html>"]), titles


def _lines(text: str, place: str) -> Iterator[tuple[int, ScriptLine]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _checked(line, place, number)


def _checked(line: str, place: str, number: int) -> ScriptLine:
    try:
        return ScriptLine.model_validate(orjson.loads(line))
    except orjson.JSONDecodeError as error:
        raise JobError([Problem(f"not valid JSON: {error}", place, number)]) from None
    except ValidationError as error:
        found = problems_of(error, ScriptLine, "line")
        raise JobError([Problem(each.message, place, number, each.path, each.hint) for each in found]) from None


def _element(number: int, line: ScriptLine, anchor: str) -> str:
    name = "h2" if line.kind == "heading" else "p"
    given = {"id": anchor, "data-line": str(number), "data-speaker": line.speaker, "lang": line.language}
    attributes = "".join(f' {key}="{html.escape(value)}"' for key, value in given.items() if value)
    return f"{'<hr/>' if line.scene else ''}<{name}{attributes}>{inline(line.text)}</{name}>"
