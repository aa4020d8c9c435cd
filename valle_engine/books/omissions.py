"""What a person who reads a book aloud leaves out, and how it is known in what real tools write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from valle_engine.books.xml import attribute, descendants, local_name, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Omission = Literal[
    "notes",
    "note-references",
    "page-breaks",
    "contents",
    "index",
    "bibliography",
    "copyright",
    "pull-quotes",
    "supplements",
    "tables",
    "captions",
    "code",
]
OMISSIONS: Mapping[Omission, str] = {
    "notes": "footnotes and endnotes",
    "note-references": "the numbers in the text that lead to notes",
    "page-breaks": "page numbers of the printed book",
    "contents": "tables of contents, lists of pictures and tables, landmarks",
    "index": "the index of words",
    "bibliography": "lists of books",
    "copyright": "the page of rights, the colophon, licences around a text",
    "pull-quotes": "sentences of the text that are shown a second time",
    "supplements": "documents that do not belong to the main text (`linear: no`)",
    "tables": "tables",
    "captions": "captions of pictures and tables",
    "code": "blocks of computer code",
}
"""What may be left out, by the name that an option has for it."""
USUAL: tuple[Omission, ...] = tuple(name for name in OMISSIONS if name not in {"tables", "captions", "code"})
ALWAYS = "never read"
"""What no option brings back: it is no text, or it is hidden."""

_BY_TYPE: Mapping[str, str] = {
    # epub:type (EPUB Structural Semantics Vocabulary 1.1), with the guide's types of EPUB 2.
    **dict.fromkeys(("footnote", "footnotes", "endnote", "endnotes", "rearnote", "rearnotes", "notes"), "notes"),
    **dict.fromkeys(("noteref", "backlink", "annoref"), "note-references"),
    **dict.fromkeys(("pagebreak", "page-list"), "page-breaks"),
    **dict.fromkeys(("toc", "toc-brief", "landmarks", "loi", "lot", "loa", "lov"), "contents"),
    "index": "index",
    **dict.fromkeys(("bibliography", "biblioentry"), "bibliography"),
    **dict.fromkeys(("copyright-page", "colophon", "imprint", "imprimatur"), "copyright"),
    "pullquote": "pull-quotes",
    # role (Digital Publishing WAI-ARIA 1.1).
    **dict.fromkeys(("doc-footnote", "doc-endnote", "doc-endnotes"), "notes"),
    **dict.fromkeys(("doc-noteref", "doc-backlink"), "note-references"),
    **dict.fromkeys(("doc-pagebreak", "doc-pagelist"), "page-breaks"),
    "doc-toc": "contents",
    "doc-index": "index",
    **dict.fromkeys(("doc-bibliography", "doc-biblioentry"), "bibliography"),
    "doc-colophon": "copyright",
    "doc-pullquote": "pull-quotes",
}
_BY_CLASS: Mapping[str, str] = {
    # Books without types: the classes that pandoc, Project Gutenberg, InDesign and Sigil's users write.
    **dict.fromkeys(("footnote", "footnotes", "endnote", "endnotes", "_idfootnote", "_idfootnotes"), "notes"),
    **dict.fromkeys(("footnote-ref", "footnote-back", "fnanchor", "noteref", "_idfootnotelink"), "note-references"),
    **dict.fromkeys(("pagenum", "pageno", "page-number", "pagebreak", "mbp_pagebreak"), "page-breaks"),
    **dict.fromkeys(("toc", "x-ebookmaker-toc"), "contents"),
    **dict.fromkeys(("pg-boilerplate", "copyright-page", "rights"), "copyright"),
    "pullquote": "pull-quotes",
}
_BY_ELEMENT: Mapping[str, str] = {
    "table": "tables",
    **dict.fromkeys(("figcaption", "caption"), "captions"),
    "pre": "code",
    **dict.fromkeys(("head", "script", "style", "template", "svg", "object", "iframe", "audio", "video"), ALWAYS),
    **dict.fromkeys(("form", "button", "select", "textarea", "rp"), ALWAYS),
}
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_LABEL = re.compile(r"[\[(]?\s*(\d{1,4}|[*†‡§¶]{1,4}|[ivxlc]{1,6}|[a-z])\s*[\])]?")
_NOTE_BLOCKS = frozenset({"p", "li", "div", "aside", "dd", "td"})


def document_omission(kind: str) -> str:
    """What a whole document is, by its type; empty for one that is read."""
    return _BY_TYPE.get(kind, "")


def omission(element: Any, name: str) -> str:
    """What an element is that may be left out; empty for one that is read."""
    for types in (attribute(element, "type"), attribute(element, "role")):
        for each in types.lower().split():
            if found := _BY_TYPE.get(each):
                return found
    for each in attribute(element, "class").lower().split():
        found = _BY_CLASS.get(each, "")
        # Tools give the heading that a table of contents leads to its class.
        if found and not (found == "contents" and name in HEADINGS):
            return found
    if _is_hidden(element):
        return ALWAYS
    if name == "pagebreak":
        return "page-breaks"
    return _BY_ELEMENT.get(name, "")


def _is_hidden(element: Any) -> bool:
    attributes = element.attrib
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDDEN.search(attributes.get("style", "")))
    )


def untyped_notes(root: Any, place: str, expected: Mapping[str, str]) -> tuple[dict[Any, str], list[tuple[str, str]]]:
    """Notes, and references to them, that nothing marks but the way they are linked; and where references lead out.

    A reference is a link whose text is a number or a sign, raised or in brackets; its note is the block it leads to,
    when that begins with the same sign or leads back. `expected` holds the signs of references in other documents by
    the `id` they lead to; those that lead to another document are given as address and sign.
    """
    by_id = {each.get("id"): each for each in root.iter() if each.get("id")}
    found: dict[Any, str] = {}
    outward: list[tuple[str, str]] = []
    for link, label in _references(root):
        document, _, target = attribute(link, "href").partition("#")
        if document and not place.endswith(unquote(document).rpartition("/")[2]):
            outward.append((attribute(link, "href"), label))
            found[link] = "note-references"
            continue
        block = _block_of(by_id.get(target))
        if block is None or block is not _block_of(link):
            found[link] = "note-references"
        if block is not None and block is not _block_of(link) and _is_note(block, label, attribute(link, "id")):
            found[block] = "notes"
    blocks = ((_block_of(by_id[target]), label) for target, label in expected.items() if target in by_id)
    found |= {block: "notes" for block, label in blocks if block is not None and _is_note(block, label, "")}
    return found, outward


def _references(root: Any) -> Iterator[tuple[Any, str]]:
    """Links that look like a reference to a note, with their sign."""
    for link in descendants(root, "a"):
        text = text_of(link)
        label = _LABEL.fullmatch(text)
        if label and "#" in attribute(link, "href") and (text[0] in "[(" or _is_raised(link)):
            yield link, label[1]


def _is_raised(link: Any) -> bool:
    around = link.getparent()
    return any(True for _ in descendants(link, "sup")) or (around is not None and local_name(around) == "sup")


def _block_of(element: Any) -> Any:
    while element is not None and local_name(element) not in _NOTE_BLOCKS:
        element = element.getparent()
    return element


def _is_note(block: Any, label: str, reference: str) -> bool:
    begins = _LABEL.match(text_of(block))
    if begins and begins[1] == label:
        return True
    back = reference and any(attribute(link, "href").endswith(f"#{reference}") for link in descendants(block, "a"))
    return bool(back)
