"""`valle book`: what is in a book, and how its text will be said."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.books.omissions import OMISSIONS
from valle_engine.books.source import BookSource
from valle_engine.errors import JobError, Problem
from valle_engine.report.text import duration, one_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from valle_engine.books.book import Book, Warned
    from valle_engine.books.lexicon import Lexicon
    from valle_engine.books.lines import Line

SHOWN = 5
"""Things of a kind that are left out that are shown; `--json` has all."""
LONGEST = 2000
"""Characters of a line that is shown."""


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("book", help="inspect a book, see written against spoken text")
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    inspect = actions.add_parser("inspect", help="show chapters, characters, hours, and what is left out and why")
    text = actions.add_parser("text", help="show written against spoken text, and what lexicons did")
    text.add_argument("--all", action="store_true", help="show the lines that are said as written, too")
    text.add_argument("--chapter", type=int, help="only the chapter of this number")
    for action in (inspect, text):
        action.add_argument("book", type=Path, nargs="+", help="books, or a job file whose source they are")
        action.add_argument("--language", help="language of the text (default: as the book says)")
        action.add_argument("--lexicon", type=Path, action="append", default=[], help="a lexicon; may be given again")
        action.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Show a book; 2 when a speaker is not in the cast. Raises `JobError` for what cannot be read."""
    source = _source(arguments)
    if arguments.action == "inspect":
        return _inspect(source, as_json=arguments.json)
    return _text(source, arguments)


class _Books(BookSource):
    """Books that no job names."""

    name = "book"


def _source(arguments: argparse.Namespace) -> BookSource:
    """The source of the job, or one made of the arguments."""
    paths = [path.absolute() for path in arguments.book]
    if len(paths) == 1 and paths[0].suffix.lower() in {".yaml", ".yml"}:
        return _of_job(paths[0], arguments)
    missing = [path for path in [*paths, *arguments.lexicon] if not path.exists()]
    if missing:
        raise JobError([Problem("no such file", str(path)) for path in missing])
    return _Books(path=paths, language=arguments.language or "", lexicons=arguments.lexicon)


def _of_job(path: Path, arguments: argparse.Namespace) -> BookSource:
    from valle_engine.job.loading import load_job  # noqa: PLC0415 - a book alone needs no plugins
    from valle_engine.plugins import load_plugins  # noqa: PLC0415 - same

    if arguments.language or arguments.lexicon:
        raise JobError([Problem("--language and --lexicon are for books: a job says both itself", str(path))])
    source = load_job(path, load_plugins()).source
    if not isinstance(source, BookSource):
        raise JobError([Problem(f"the job's items are no book, but {source.name!r}", str(path))])
    return source


def _inspect(source: BookSource, *, as_json: bool) -> int:
    warnings: list[Warned] = []
    lines: dict[Path, list[Line]] = {path: [] for path in source.path}
    for path, line in source.lines([], warnings):
        lines[path].append(line)
    books = [_facts(path, source.book(path), lines[path]) for path in source.path]
    if as_json:
        facts = {"books": books, "warnings": [str(warned) for warned in warnings]}
        print(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
        return 0
    for book in books:
        print("\n".join(one_line(line) for line in _told(book)))
    for warned in warnings:
        print(one_line(f"warning: {warned}", 300))
    return 0


def _facts(path: Path, book: Book, lines: Sequence[Line]) -> dict[str, Any]:
    about = book.metadata
    chapters: list[dict[str, Any]] = [
        {"number": number, "title": chapter.title, "lines": 0, "characters": 0, "seconds": 0.0}
        for number, chapter in enumerate(book.chapters, start=1)
    ]
    for line in lines:
        chapter = chapters[line.chapter - 1]
        chapter["lines"] += 1
        chapter["characters"] += len(line.written)
        chapter["seconds"] += line.seconds
    return {
        "path": str(path),
        "title": about.title,
        "authors": list(about.authors),
        "language": about.language,
        "identifier": about.identifier,
        "publisher": about.publisher,
        "date": about.date,
        "cover": None if book.cover is None else {"name": book.cover.name, "bytes": len(book.cover.data)},
        "speakers": dict(Counter(line.speaker for line in lines)),
        "languages": dict(Counter(line.language for line in lines)),
        "chapters": chapters,
        "characters": sum(chapter["characters"] for chapter in chapters),
        "hours": sum(chapter["seconds"] for chapter in chapters) / 3600,
        "left_out": [
            {"what": each.kind, "place": each.place, "line": each.line, "characters": each.characters}
            | {"beginning": each.beginning}
            for each in book.left_out
        ],
    }


def _told(facts: dict[str, Any]) -> Iterator[str]:
    authors = f", by {' and '.join(facts['authors'])}" if facts["authors"] else ""
    yield f"{facts['title'] or Path(facts['path']).name}{authors}"
    cover = f"{facts['cover']['name']}, {facts['cover']['bytes']:,} bytes" if facts["cover"] else "none"
    yield f"language: {_counted(facts['languages'])}; cover: {cover}"
    if len(facts["speakers"]) > 1:
        yield f"speakers: {_counted(facts['speakers'])}"
    seconds = facts["hours"] * 3600
    yield f"{len(facts['chapters'])} chapters, {facts['characters']:,} characters, about {duration(seconds)}"
    for chapter in facts["chapters"]:
        length = f"{chapter['characters']:>8,} characters  {duration(chapter['seconds']):>11}"
        yield f"{chapter['number']:>4}  {length}  {chapter['title']}"
    yield from _left_out(facts["left_out"])


def _left_out(left_out: Sequence[dict[str, Any]]) -> Iterator[str]:
    for what, times in Counter(each["what"] for each in left_out).most_common():
        reason = f" ({OMISSIONS[what]})" if what in OMISSIONS else ""
        yield f"left out: {what}{reason}, {times} times" if times > 1 else f"left out: {what}{reason}, once"
        for each in [each for each in left_out if each["what"] == what][:SHOWN]:
            place = f"{each['place']}:{each['line']}" if each["line"] else each["place"]
            yield f"      {place}  {each['characters']:,} characters: {each['beginning']}"


def _counted(counts: dict[str, int]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} ({count:,} lines)" for name, count in counts.items())


def _text(source: BookSource, arguments: argparse.Namespace) -> int:
    lexicons: list[Lexicon] = []
    warnings: list[Warned] = []
    lines = [
        line
        for _, line in source.lines(lexicons, warnings)
        if arguments.chapter in {None, line.chapter} and (arguments.all or arguments.json or line.changes)
    ]
    hits = [{"lexicon": each.file.name, "version": each.file.version, "hits": each.hits} for each in lexicons]
    if arguments.json:
        facts = {"lines": [_line_facts(line) for line in lines], "lexicons": hits, "warnings": list(map(str, warnings))}
        print(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
        return 0
    shown = [each for line in lines for each in _shown(line)]
    print("\n".join(one_line(each, LONGEST) for each in [*shown, *_summary(lines, hits, warnings)]))
    return 0


def _line_facts(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "chapter": line.chapter,
        "speaker": line.speaker,
        "language": line.language,
        "written": line.written,
        "spoken": line.spoken,
        "changes": [{"written": written, "spoken": spoken, "rule": rule} for written, spoken, rule in line.changes],
    }


def _shown(line: Line) -> Iterator[str]:
    yield f"{line.id}  chapter {line.chapter}, {line.speaker}, {line.language}"
    yield f"  - {line.written}"
    if line.spoken != line.written:
        yield f"  + {line.spoken}"
    for written, spoken, rule in line.changes:
        yield f"      {written} -> {spoken}  ({rule})"


def _summary(lines: Sequence[Line], hits: Sequence[dict[str, Any]], warnings: Iterable[Warned]) -> Iterator[str]:
    rules = Counter(rule.partition(":")[0] for line in lines for _, _, rule in line.changes)
    changed = sum(bool(line.changes) for line in lines)
    yield f"said otherwise than written: {_tally({'lines': changed, **rules})}"
    for lexicon in hits:
        unused = [label for label, count in lexicon["hits"].items() if not count]
        used = {label: count for label, count in lexicon["hits"].items() if count}
        yield f"lexicon {lexicon['lexicon']} {lexicon['version']}: {_tally(used) or 'nothing found'}"
        if unused:
            yield f"  never found: {', '.join(unused)}"
    yield from (f"warning: {warned}" for warned in warnings)


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
