"""Books as a source of items: a line to speak is a row."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from valle_engine.books.book import Book, Warned
from valle_engine.books.cast import NARRATOR, Role, read_cast, roles_of
from valle_engine.books.lexicon import Lexicon
from valle_engine.books.omissions import USUAL, Omission
from valle_engine.books.reading import Reading, read_book
from valle_engine.errors import JobError, Problem
from valle_engine.parts import Row, Source

if TYPE_CHECKING:
    from valle_engine.books.lines import Line

GATE: Mapping[str, Any] = {
    "scores": ["silence", "clipping", "cut-ending", {"name": "length", "slack": 0.5}],
    "accept": {
        "silence": {"max": 1.5},
        "clipping": {"max": 0.001},
        # Many words begin at once, few end so: what is still half as loud as the loudest was cut off.
        "cut-ending.end": {"max": -6.0},
        "length": {"max": 1.6},
    },
    "attempts": 3,
}
"""What every line of a book must pass where the job does not say."""
_ILLEGAL = re.compile(r"[^A-Za-z0-9]+")
LONGEST_KEY = 64


def _listed(value: object) -> object:
    return [value] if isinstance(value, str | Path) else value


class BookSource(Source):
    """Books, line by line. A plugin that knows who speaks extends it and gives `labelled` another meaning."""

    gate: ClassVar[Mapping[str, Any]] = GATE

    path: Annotated[
        list[Path],
        BeforeValidator(_listed),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field(min_length=1, description="The book, or several: EPUB, Markdown, HTML, text, a script, a folder.")
    language: str = Field("", description="Language of the text; default: as the book says, else en.")
    leave_out: list[Omission] = Field(default=list(USUAL), description="What is not read, see the page on books.")
    chapter_depth: int | None = Field(
        None, ge=1, le=6, description="Depth of the entries or headings that begin chapters; default: found out."
    )
    max_seconds: float = Field(12.0, gt=1, le=60, description="Longest line, as it is estimated to be read.")
    foreign_words: int = Field(3, ge=1, le=1000, description="Words of another language that make a line of their own.")
    normalise: bool = Field(default=True, description="Write numbers, dates, abbreviations … as they are spoken.")
    lexicons: list[Path] = Field(default_factory=list, description="Lexicons; of two that know a word, the first.")
    cast: Path | None = Field(None, description="A file that gives each speaker a voice.")
    roles: Annotated[dict[str, Role], BeforeValidator(roles_of)] = Field(
        default_factory=dict, description="The same here, over what the file says."
    )

    def rows(self) -> Iterator[Row]:
        """Stream the lines, book by book. Raises `JobError` for what cannot be read."""
        unknown: set[str] = set()
        for path, line in self.lines([], []):
            problem = ""
            if line.speaker not in {NARRATOR, *self.known_roles, *unknown}:
                unknown.add(line.speaker)
                problem = self._unknown(line, path)
            yield Row(0 if _is_epub(path) else line.source.line, self._fields(line, path), problem)

    def place(self) -> str:
        """The books, for messages."""
        return ", ".join(map(str, self.path))

    def lines(self, lexicons: list[Lexicon], warnings: list[Warned]) -> "Iterator[tuple[Path, Line]]":
        """Stream the lines with their books; the lists take the lexicons, with their hits, and what is odd."""
        from valle_engine.books.lines import LineMaker  # noqa: PLC0415 - numpy, which a check of options needs not
        from valle_engine.books.packing import Packer  # noqa: PLC0415 - same

        lexicons += map(Lexicon.read, self.lexicons)
        for path, key in self._keys().items():
            book = self.labelled(self.book(path))
            warnings += book.warnings
            maker = LineMaker(
                key=key,
                packer=Packer(self.max_seconds),
                lexicons=lexicons,
                roles=self.known_roles,
                normalise=self.normalise,
                foreign_words=self.foreign_words,
                warnings=warnings,
            )
            for line in maker.lines(book):
                yield path, line

    def book(self, path: Path) -> Book:
        """One of the books. Raises `JobError`."""
        return read_book(path, Reading(frozenset(self.leave_out), self.language, self.chapter_depth))

    def labelled(self, book: Book) -> Book:
        """The book with a speaker for each passage that one speaks, see `Paragraph.spoken_by`; here as it is marked."""
        return book

    @cached_property
    def known_roles(self) -> Mapping[str, Role]:
        """The cast. Raises `JobError`."""
        return {**(read_cast(self.cast) if self.cast else {}), **self.roles}

    def _keys(self) -> dict[Path, str]:
        """The key of each book: its file's name in letters, digits and dashes."""
        keys = {path: _key(path) for path in self.path}
        shared = next((key for key, count in Counter(keys.values()).items() if count > 1), None)
        if shared is not None:
            both = " and ".join(str(path) for path, key in keys.items() if key == shared)
            raise JobError([Problem(f"{both} would give their lines the same ids", hint="rename one of them")])
        return keys

    def _unknown(self, line: "Line", path: Path) -> str:
        known = ", ".join(self.known_roles) or "nobody"
        where = f"{path.name}, chapter {line.chapter}"
        return f"the cast has no {line.speaker!r} ({where}: {line.written[:40]!r}); it has: {known}"

    def _fields(self, line: "Line", path: Path) -> dict[str, Any]:
        role = self.known_roles.get(line.speaker, Role())
        optional = {
            "changes": [list(change) for change in line.changes],
            "voice": role.voice,
            "sampling": role.sampling,
            "pronunciations": dict(line.pronunciations),
            "emphasis": list(line.emphasis),
            "scene": line.scene,
            "pause_before": line.pause_before,
            "pause_after": line.pause_after,
            "anchor": line.source.anchor if _is_epub(path) else "",
            "element": line.source.element if _is_epub(path) else "",
        }
        return {
            "id": line.id,
            "text": line.spoken,
            "written": line.written,
            "language": line.language,
            "speaker": line.speaker,
            "book": _key(path),
            "source": str(path),
            "chapter": line.chapter,
            "chapter_title": line.chapter_title,
            "paragraph": line.paragraph,
            "kind": line.kind,
            "place": line.source.place,
            **{name: value for name, value in optional.items() if value not in (None, "", [], {}, False)},
        }


def _is_epub(path: Path) -> bool:
    return path.suffix.lower() == ".epub"


def _key(path: Path) -> str:
    return _ILLEGAL.sub("-", path.stem).strip("-").lower()[:LONGEST_KEY] or "book"
