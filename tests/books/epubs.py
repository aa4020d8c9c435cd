"""Books for tests: EPUBs put together part by part, as real tools and odd hands write them."""

from __future__ import annotations

from pathlib import Path

from tests.books.build import CONTAINER, archive

XHTML = 'xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"'
METADATA = "<dc:title>A Book</dc:title><dc:language>en</dc:language>"
COVER = b"\x89PNG\r\n\x1a\n"


def document(body: str, attributes: str = "") -> str:
    """A content document around a body."""
    return f'<?xml version="1.0"?><html {XHTML} {attributes}><head><title>t</title></head><body>{body}</body></html>'


def package(names: list[str], *, metadata: str = METADATA, items: str = "", spine: str = "", more: str = "") -> str:
    """A package of documents in their order; `spine` are attributes of the spine, `more` stands behind it."""
    listed = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(names)
    )
    order = "".join(f'<itemref idref="i{n}"/>' for n, _ in enumerate(names))
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf">{metadata}'
        f"</metadata><manifest>{listed}{items}</manifest><spine {spine}>{order}</spine>{more}</package>"
    )


def nav(*links: tuple[str, str]) -> str:
    """A table of contents of EPUB 3."""
    entries = "".join(f'<li><a href="{href}">{title}</a></li>' for title, href in links)
    return document(f'<nav epub:type="toc"><ol>{entries}</ol></nav>')


NAV_ITEM = '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'


def ncx(*points: tuple[str, str]) -> str:
    """A table of contents of EPUB 2."""
    entries = "".join(
        f"<navPoint><navLabel><text>{title}</text></navLabel><content src='{href}'/></navPoint>"
        for title, href in points
    )
    return f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{entries}</navMap></ncx>'


NCX_ITEM = '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'


def write(path: Path, parts: dict[str, str | bytes], *, container: str = CONTAINER) -> Path:
    """An EPUB whose parts lie in the folder EPUB, beside `META-INF/container.xml` and what begins with a slash."""
    whole = {"mimetype": b"application/epub+zip", "META-INF/container.xml": container.encode()}
    for name, data in parts.items():
        place = name[1:] if name.startswith("/") else f"EPUB/{name}"
        whole[place] = data if isinstance(data, bytes) else data.encode()
    path.write_bytes(archive(whole))
    return path


def simple(path: Path, *bodies: str, attributes: str = "", metadata: str = METADATA) -> Path:
    """A book of documents that hold these bodies, without a table of contents."""
    names = [f"c{number}.xhtml" for number, _ in enumerate(bodies, start=1)]
    pages = {name: document(body, attributes) for name, body in zip(names, bodies, strict=True)}
    return write(path, {"package.opf": package(names, metadata=metadata), **pages})
