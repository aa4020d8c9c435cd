"""XML and HTML that may come from anybody, as element trees: no network, no entities of its own, bounded depth."""

from __future__ import annotations

import html.entities
import re
from typing import TYPE_CHECKING, Any

from valle_engine.errors import JobError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_PROLOGUE = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_OF_XML = frozenset({"lt", "gt", "amp", "quot", "apos"})
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def parse_xml(data: bytes, place: str) -> Any:
    """The tree of a document that must be sound. Raises `JobError`."""
    from lxml import etree  # noqa: PLC0415 - only who reads a book needs it

    try:
        return etree.ElementTree(etree.fromstring(_ready(data, place), _xml_parser()))
    except etree.XMLSyntaxError as error:
        line = error.position[0] if error.position else None
        raise JobError([Problem(f"not sound XML: {error.msg}", place, line)]) from None


def parse_document(data: bytes, place: str) -> Any:
    """The tree of a content document; one that is no sound XML is read as HTML, as browsers do. Raises `JobError`."""
    return parse_leniently(data, place)[0]


def parse_leniently(data: bytes, place: str) -> tuple[Any, str]:
    """The tree of a content document, and what is wrong with it as XML."""
    from lxml import etree  # noqa: PLC0415 - only who reads a book needs it
    from lxml import html as lxml_html  # noqa: PLC0415 - same

    text = _ready(data, place)
    try:
        return etree.ElementTree(etree.fromstring(text, _xml_parser())), ""
    except etree.XMLSyntaxError as error:
        wrong = f"not sound XML ({error.msg}), read as HTML"
    parser = lxml_html.HTMLParser(no_network=True, huge_tree=False)
    try:
        root = lxml_html.document_fromstring(text, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise JobError([Problem(f"neither XML nor HTML: {error}", place)]) from None
    # What lies beyond a limit of the parser would be missing without a word.
    if limits := [entry for entry in parser.error_log if entry.type_name == "ERR_RESOURCE_LIMIT"]:
        raise JobError([Problem(f"no document is like that: {limits[0].message}", place, limits[0].line)])
    return etree.ElementTree(root), wrong


def local_name(element: Any) -> str:
    """The name of an element without its namespace, in lower case; empty for a comment."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    return tag.rpartition("}")[2].rpartition(":")[2].lower()


def attribute(element: Any, name: str) -> str:
    """An attribute by its name without namespace or prefix; empty where there is none."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2].rpartition(":")[2].lower() == name:
            return str(value).strip()
    return ""


def children(element: Any, name: str) -> Iterator[Any]:
    """The children of that name, whatever their namespace."""
    return (child for child in element if local_name(child) == name)


def descendants(element: Any, *names: str) -> Iterator[Any]:
    """The elements of those names in the order of the document, whatever their namespace."""
    return (each for each in element.iter() if local_name(each) in names)


def text_of(element: Any) -> str:
    """All text in an element on one line; empty for none."""
    return "" if element is None else " ".join("".join(element.itertext("*")).split())


def _ready(data: bytes, place: str) -> str:
    """The document as text: decoded, its named characters spelled out, its declaration gone."""
    text = _decoded(data, place)
    if "<!ENTITY" in text:
        message = "the document defines entities of its own, which may unfold without end"
        raise JobError([Problem(message, place, hint="write the characters themselves")])
    text = _PROLOGUE.sub(lambda found: "\n" * found[0].count("\n"), text)
    return _NAMED.sub(_character, text)


def _character(named: re.Match[str]) -> str:
    if named[1] in _OF_XML:
        return named[0]
    return html.entities.html5.get(f"{named[1]};", named[0])


def _decoded(data: bytes, place: str) -> str:
    marked = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), None)
    declared = _DECLARED.match(data)
    encoding = marked[1] if marked else declared[1].decode() if declared else "utf-8"
    try:
        return data[len(marked[0]) if marked else 0 :].decode(encoding).replace("\r\n", "\n")
    except LookupError:
        raise JobError([Problem(f"unknown encoding {encoding!r}", place)]) from None
    except UnicodeDecodeError as error:
        hint = "save it as UTF-8"
        raise JobError([Problem(f"not valid {encoding} at byte {error.start}", place, hint=hint)]) from None


def _xml_parser() -> Any:
    from lxml import etree  # noqa: PLC0415 - only who reads a book needs it

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
