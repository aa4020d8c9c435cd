"""The book itself with its sound: an EPUB 3 with media overlays (EPUB 3.3, section 9), a paragraph at a time."""

from __future__ import annotations

import posixpath
import zipfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.sax.saxutils import quoteattr

from valle_engine.errors import ValleError
from valle_plugins.audiobook.container import RATE, clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from valle_plugins.audiobook.lines import Line, Spot

OPF = "http://www.idpf.org/2007/opf"
CONTAINER = "META-INF/container.xml"
FOLDER = "valle-overlays"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every part, so that the same book has the same bytes."""
ACTIVE = "-epub-media-overlay-active"


@dataclass(frozen=True, slots=True)
class Passage:
    """An element of a document and when it is spoken, in seconds of the document's sound."""

    id: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Overlay:
    """A document's overlay: the document's part, its text with ids, its passages, its sound."""

    number: int
    place: str
    text: bytes
    passages: Sequence[Passage]
    sound: Path

    @property
    def key(self) -> str:
        """Name of its parts."""
        return f"{self.number:04}"

    @property
    def seconds(self) -> float:
        """How long its passages last."""
        return sum(passage.end - passage.start for passage in self.passages)


def problem_with(source: str) -> str:
    """Why there can be no read-along of a book; empty when there can."""
    if not source.lower().endswith(".epub"):
        return "only an EPUB can be read along with"
    _, package = _package(_read_all(source))
    version = package.getroot().get("version", "")
    return "" if version.startswith("3") else f"media overlays need EPUB 3, this one is version {version or 'unknown'}"


def overlays(
    source: str,
    lines: Sequence[Line],
    lay_out: Callable[[Sequence[Line]], Sequence[Spot]],
    encode: Callable[[Path, Sequence[Spot]], None],
    work: Path,
) -> Iterator[Overlay]:
    """Stream an overlay for each document that lines come from; its sound is encoded into `work`."""
    parts = _read_all(source)
    for number, (place, group) in enumerate(groupby(lines, key=lambda line: line.place), start=1):
        spots = lay_out(list(group))
        text, passages = _passages(parts.read(place), f"{source}!{place}", spots)
        sound = work / f"{number:04}.m4a"
        encode(sound, spots)
        yield Overlay(number, place, text, passages, sound)


def write_epub(path: Path, source: str, made: Sequence[Overlay], narrator: str) -> None:
    """Write the book with its overlays; everything else in it stays as it is."""
    parts = _read_all(source)
    name, package = _package(parts)
    changed = {overlay.place: overlay.text for overlay in made}
    changed[name] = _extended(package, name, made, narrator)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(zipfile.ZipInfo("mimetype", EPOCH), b"application/epub+zip", zipfile.ZIP_STORED)
        for part in sorted(parts.names() - {"mimetype"}):
            if not part.endswith("/"):
                _put(book, part, changed.get(part) or parts.read(part))
        folder = posixpath.join(posixpath.dirname(name), FOLDER)
        for overlay in made:
            _put(book, f"{folder}/{overlay.key}.smil", _smil(overlay, folder).encode())
            _put_file(book, f"{folder}/{overlay.key}.m4a", overlay.sound)


def _read_all(source: str) -> Any:
    from valle_engine.books import Archive  # noqa: PLC0415 - reading books is not for every job

    return Archive.open(Path(source))


def _package(parts: Any) -> tuple[str, Any]:
    from valle_engine.books import parse_document  # noqa: PLC0415 - as above

    container = parse_document(parts.read(CONTAINER), CONTAINER)
    [path, *_] = container.getroot().xpath("//*[local-name()='rootfile']/@full-path")
    return str(path), parse_document(parts.read(path), str(path))


def _passages(data: bytes, place: str, spots: Sequence[Spot]) -> tuple[bytes, list[Passage]]:
    """A document with an id at every element that is spoken, and when each is."""
    from lxml import etree  # noqa: PLC0415 - as above

    from valle_engine.books import parse_document  # noqa: PLC0415 - as above

    tree = parse_document(data, place)
    passages: list[Passage] = []
    for element, group in groupby(spots, key=lambda spot: spot.line.element):
        spoken = list(group)
        found = tree.getroot().xpath(element) if element else []
        if not found:
            raise ValleError(f"{place}: the book changed since its lines were spoken; run the job again")
        id_ = _marked(tree, found[0], len(passages) + 1)
        passages.append(Passage(id_, spoken[0].start / RATE, spoken[-1].end / RATE))
    text = etree.tostring(tree, encoding="utf-8", xml_declaration=True)
    return text, [passage for passage in passages if passage.end > passage.start]


def _marked(tree: Any, element: Any, number: int) -> str:
    """The element's id, or a new one that the document does not have yet."""
    own = element.get("id")
    if own:
        return str(own)
    id_ = f"valle-{number}"
    while tree.getroot().xpath("//*[@id=$id]", id=id_):
        id_ += "x"
    element.set("id", id_)
    return id_


def _smil(overlay: Overlay, folder: str) -> str:
    text = posixpath.relpath(overlay.place, folder)
    pars = "\n".join(
        f'      <par id="p{number}"><text src={quoteattr(f"{text}#{passage.id}")}/>'
        f'<audio src="{overlay.key}.m4a" clipBegin="{clock(passage.start)}" clipEnd="{clock(passage.end)}"/></par>'
        for number, passage in enumerate(overlay.passages, start=1)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<smil xmlns="http://www.w3.org/ns/SMIL" xmlns:epub="http://www.idpf.org/2007/ops" version="3.0">\n'
        f'  <body>\n    <seq id="s1" epub:textref={quoteattr(text)}>\n{pars}\n    </seq>\n  </body>\n</smil>\n'
    )


def _extended(package: Any, name: str, made: Sequence[Overlay], narrator: str) -> bytes:
    """The package with the overlays in its manifest, and their lengths in its metadata."""
    from lxml import etree  # noqa: PLC0415 - as above

    root = package.getroot()
    metadata, manifest = root.find(f"{{{OPF}}}metadata"), root.find(f"{{{OPF}}}manifest")
    by_place = _items(manifest, name)
    for overlay in made:
        item = by_place.get(overlay.place)
        if item is None:
            raise ValleError(f"{name}: the manifest does not list {overlay.place}; the book changed, run the job again")
        item.set("media-overlay", f"valle-smil-{overlay.key}")
        for kind, suffix, media_type in (("smil", "smil", "application/smil+xml"), ("audio", "m4a", "audio/mp4")):
            facts = {"id": f"valle-{kind}-{overlay.key}", "media-type": media_type}
            etree.SubElement(manifest, f"{{{OPF}}}item", {**facts, "href": f"{FOLDER}/{overlay.key}.{suffix}"})
        _meta(metadata, "media:duration", clock(overlay.seconds), f"#valle-smil-{overlay.key}")
    _meta(metadata, "media:duration", clock(sum(overlay.seconds for overlay in made)))
    _meta(metadata, "media:active-class", ACTIVE)
    if narrator:
        _meta(metadata, "media:narrator", narrator)
    data: bytes = etree.tostring(package, encoding="utf-8", xml_declaration=True)
    return data


def _items(manifest: Any, name: str) -> Mapping[str, Any]:
    folder = posixpath.dirname(name)
    items = manifest.findall(f"{{{OPF}}}item")
    return {posixpath.normpath(posixpath.join(folder, unquote(item.get("href", "")))): item for item in items}


def _meta(metadata: Any, name: str, value: str, refines: str = "") -> None:
    from lxml import etree  # noqa: PLC0415 - as above

    meta = etree.SubElement(metadata, f"{{{OPF}}}meta", {"property": name, **({"refines": refines} if refines else {})})
    meta.text = value


def _put(book: zipfile.ZipFile, name: str, data: bytes) -> None:
    book.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)


def _put_file(book: zipfile.ZipFile, name: str, path: Path) -> None:
    with path.open("rb") as sound, book.open(zipfile.ZipInfo(name, EPOCH), "w") as entry:
        while block := sound.read(1 << 20):
            entry.write(block)
