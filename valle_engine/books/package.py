"""What an EPUB says of itself: container, package, spine, navigation, guide. EPUB 2 and 3."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from valle_engine.books.book import Cover, Metadata
from valle_engine.books.xml import attribute, children, descendants, parse_leniently, parse_xml, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from valle_engine.books.archive import Archive

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
PACKAGE_TYPE = "application/oebps-package+xml"
DOCUMENT_TYPES = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})
PICTURE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
MAX_COVER = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the book as its manifest lists it."""

    name: str
    media_type: str
    properties: frozenset[str]


@dataclass(frozen=True, slots=True)
class Spine:
    """A document in reading order; `linear` says whether it belongs to the main text."""

    part: Part
    linear: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the table of contents: where it leads, and how deep it is, from 1."""

    title: str
    name: str
    fragment: str
    depth: int


@dataclass(frozen=True, slots=True)
class Package:
    """An EPUB without its texts. `kinds` says what whole documents are, such as `toc` or `copyright-page`, by name."""

    metadata: Metadata
    spine: tuple[Spine, ...]
    contents: tuple[Entry, ...]
    kinds: Mapping[str, str] = field(default_factory=dict)
    cover: Cover | None = None


def read_package(archive: Archive) -> Package:
    """Read what the book says of itself. Raises `JobError`."""
    name = _package_name(archive)
    root = _parsed(archive, name).getroot()
    parts = dict(_parts(archive, name, root))
    spine = tuple(_spine(archive, name, root, parts))
    _check_open(archive, {each.part.name for each in spine})
    nav = next((part for part in parts.values() if "nav" in part.properties), None)
    kinds = dict(_guide(archive, name, root))
    contents: list[Entry] = []
    if nav is not None:
        tree = parse_leniently(archive.read(nav.name), f"{archive.path}!{nav.name}")[0]
        contents = list(_nav_entries(archive, nav.name, tree.getroot()))
        kinds = {nav.name: "toc", **kinds, **dict(_landmarks(archive, nav.name, tree.getroot()))}
    if not contents and (ncx := _ncx(root, parts)):
        contents = list(_ncx_entries(archive, ncx.name, _parsed(archive, ncx.name).getroot()))
    return Package(_metadata(root), spine, tuple(contents), kinds, _cover(archive, root, parts, kinds))


def _parsed(archive: Archive, name: str) -> Any:
    return parse_xml(archive.read(name), f"{archive.path}!{name}")


def _package_name(archive: Archive) -> str:
    root = _parsed(archive, CONTAINER).getroot()
    files = list(descendants(root, "rootfile"))
    packages = [file for file in files if attribute(file, "media-type") == PACKAGE_TYPE] or files
    if not packages:
        raise archive.error("names no package", CONTAINER, "it is no EPUB, or it is incomplete")
    path = attribute(packages[0], "full-path")
    found = archive.find("", path)
    if found is None:
        raise archive.error(f"{path!r} is not in the archive", CONTAINER, "the book is incomplete: get it again")
    return found[0]


def _parts(archive: Archive, package: str, root: Any) -> Iterator[tuple[str, Part]]:
    for item in descendants(root, "item"):
        # A font or a picture that is missing is nobody's loss; the spine asks for what it needs.
        if found := archive.find(package, attribute(item, "href")):
            kind, properties = attribute(item, "media-type").lower(), attribute(item, "properties")
            yield attribute(item, "id"), Part(found[0], kind, frozenset(properties.split()))


def _spine(archive: Archive, package: str, root: Any, parts: Mapping[str, Part]) -> Iterator[Spine]:
    empty = True
    for reference in descendants(root, "itemref"):
        wanted = attribute(reference, "idref")
        if wanted not in parts:
            hint = "the book is incomplete: get it again"
            raise archive.error(f"the spine names {wanted!r}, which is not there", package, hint, reference.sourceline)
        empty = False
        yield Spine(parts[wanted], attribute(reference, "linear").lower() != "no")
    if empty:
        raise archive.error("the spine is empty: the book has no text", package)


def _check_open(archive: Archive, texts: set[str]) -> None:
    """Refuse a book whose texts are locked; fonts may be."""
    if ENCRYPTION not in archive.names():
        return
    for reference in descendants(_parsed(archive, ENCRYPTION).getroot(), "cipherreference"):
        found = archive.find("", attribute(reference, "uri"))
        if found and found[0] in texts:
            hint = "only books without copy protection can be read"
            raise archive.error("the text is encrypted (DRM)", found[0], hint)


def _guide(archive: Archive, package: str, root: Any) -> Iterator[tuple[str, str]]:
    """What EPUB 2 says of documents."""
    for reference in descendants(root, "reference"):
        yield from _kind_of(archive, package, attribute(reference, "href"), attribute(reference, "type"))


def _landmarks(archive: Archive, nav: str, root: Any) -> Iterator[tuple[str, str]]:
    for element in _navs(root, "landmarks"):
        for link in descendants(element, "a"):
            yield from _kind_of(archive, nav, attribute(link, "href"), attribute(link, "type"))


def _kind_of(archive: Archive, base: str, href: str, kind: str) -> Iterator[tuple[str, str]]:
    """One document's kind. A fragment is a place inside a document that is something else."""
    found = archive.find(base, href) if kind and href and "#" not in href else None
    if found:
        yield found[0], kind.split(maxsplit=1)[0].lower()


def _navs(root: Any, kind: str) -> Iterator[Any]:
    return (nav for nav in descendants(root, "nav") if kind in attribute(nav, "type").split())


def _nav_entries(archive: Archive, nav: str, root: Any) -> Iterator[Entry]:
    for element in _navs(root, "toc"):
        for link in descendants(element, "a"):
            depth = sum(1 for each in link.iterancestors() if each.tag.rpartition("}")[2] == "ol")
            yield from _entry(archive, nav, text_of(link), attribute(link, "href"), depth)


def _ncx(root: Any, parts: Mapping[str, Part]) -> Part | None:
    named = next((attribute(spine, "toc") for spine in descendants(root, "spine")), "")
    typed = (part for part in parts.values() if part.media_type == "application/x-dtbncx+xml")
    return parts.get(named) or next(typed, None)


def _ncx_entries(archive: Archive, ncx: str, root: Any) -> Iterator[Entry]:
    for point in descendants(root, "navpoint"):
        depth = 1 + sum(1 for each in point.iterancestors() if each.tag.rpartition("}")[2] == "navPoint")
        href = next((attribute(content, "src") for content in children(point, "content")), "")
        yield from _entry(archive, ncx, text_of(next(children(point, "navlabel"), None)), href, depth)


def _entry(archive: Archive, base: str, title: str, href: str, depth: int) -> Iterator[Entry]:
    # An entry that leads nowhere begins no chapter.
    if href and (found := archive.find(base, href)):
        yield Entry(title, *found, depth)


def _metadata(root: Any) -> Metadata:
    section = next(descendants(root, "metadata"), root)
    wanted = attribute(root, "unique-identifier")
    identifiers = [each for each in descendants(section, "identifier") if text_of(each)]
    named = [each for each in identifiers if attribute(each, "id") == wanted] or identifiers
    return Metadata(
        title=_first(section, "title"),
        authors=tuple(_authors(section)),
        language=_first(section, "language"),
        identifier=text_of(named[0]) if named else "",
        publisher=_first(section, "publisher"),
        date=_first(section, "date"),
        description=_first(section, "description"),
    )


def _first(section: Any, name: str) -> str:
    return next((found for each in descendants(section, name) if (found := text_of(each))), "")


def _authors(section: Any) -> Iterator[str]:
    """Those who wrote it: creators whose role says so, or all of them where no role is given."""
    refined = {attribute(meta, "refines").lstrip("#"): text_of(meta) for meta in _metas(section, "role")}
    creators = [
        (text_of(each), attribute(each, "role") or refined.get(attribute(each, "id"), "aut"))
        for each in descendants(section, "creator")
    ]
    writers = [name for name, role in creators if role == "aut"] or [name for name, _ in creators]
    return (name for name in dict.fromkeys(writers) if name)


def _metas(section: Any, name: str) -> Iterator[Any]:
    return (
        meta for meta in descendants(section, "meta") if name in {attribute(meta, "property"), attribute(meta, "name")}
    )


def _cover(archive: Archive, root: Any, parts: Mapping[str, Part], kinds: Mapping[str, str]) -> Cover | None:
    """The picture in front: as EPUB 3 marks it, as EPUB 2 does, or the first one of the cover's page."""
    marked = [part for part in parts.values() if "cover-image" in part.properties]
    named = [parts[found] for meta in _metas(root, "cover") if (found := attribute(meta, "content")) in parts]
    pages = [name for name, kind in kinds.items() if kind == "cover"]
    shown = [part for page in pages for part in _pictures(archive, page, parts)]
    for part in [*marked, *named, *shown]:
        if part.media_type in PICTURE_TYPES:
            return Cover(part.name, part.media_type, archive.read(part.name, MAX_COVER))
    return None


def _pictures(archive: Archive, page: str, parts: Mapping[str, Part]) -> Iterator[Part]:
    root = parse_leniently(archive.read(page), f"{archive.path}!{page}")[0].getroot()
    by_name = {part.name: part for part in parts.values()}
    for picture in descendants(root, "img", "image"):
        found = archive.find(page, attribute(picture, "src") or attribute(picture, "href"))
        if found and found[0] in by_name:
            yield by_name[found[0]]
