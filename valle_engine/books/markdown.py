"""Markdown (CommonMark, with footnotes, tables and a front matter) as a document."""

from __future__ import annotations

from typing import Any

from valle_engine.books.book import Metadata
from valle_engine.books.yaml import parse_yaml


def markdown_as_html(text: str, place: str) -> tuple[str, Metadata]:
    """The text as an XHTML document, and what its front matter says. Raises `JobError`."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only who reads Markdown needs it
    from mdit_py_plugins.footnote import footnote_plugin  # noqa: PLC0415 - same
    from mdit_py_plugins.front_matter import front_matter_plugin  # noqa: PLC0415 - same

    parser = MarkdownIt("commonmark", {"xhtmlOut": True}).enable("table")
    parser.use(front_matter_plugin).use(footnote_plugin)
    tokens = parser.parse(text)
    front = next((token.content for token in tokens if token.type == "front_matter"), "")
    for token in tokens:
        if token.map and token.nesting == 1:
            token.attrSet("data-line", str(token.map[0] + 1))
    rendered = parser.renderer.render(tokens, parser.options, {})
    return f"<html><body>{rendered}</body></html>", _metadata(front, place)


def _metadata(front: str, place: str) -> Metadata:
    found = parse_yaml(front, place) if front.strip() else {}
    given = found if isinstance(found, dict) else {}
    authors = given.get("author") or given.get("authors") or given.get("creator") or []
    listed = authors if isinstance(authors, list) else [authors]
    return Metadata(
        title=_text(given.get("title")),
        authors=tuple(name for each in listed if (name := _text(each.get("text") if isinstance(each, dict) else each))),
        language=_text(given.get("lang") or given.get("language")),
        identifier=_text(given.get("identifier")),
        publisher=_text(given.get("publisher")),
        date=_text(given.get("date")),
        description=_text(given.get("description")),
    )


def _text(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, str) else ""
