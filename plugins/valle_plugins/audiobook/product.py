"""A finished audiobook of the lines of a run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

import valle_engine
from valle_engine.errors import ValleError
from valle_engine.parts import Product
from valle_engine.store.atomic import replacing
from valle_plugins.audiobook.about import About, comment_of, file_name, provenance
from valle_plugins.audiobook.container import RATE, BookFormat, Chapter, Label, Picture, clock, picture, write_book
from valle_plugins.audiobook.lines import Line, Pauses, Spot, books, laid_out
from valle_plugins.audiobook.subtitles import Subtitles, cues

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from valle_engine.parts import FinishedRun

WORK = ".audiobook-work"
"""Folder of files that are being written."""
TRIES = 3
"""A lossy coder moves peaks: what comes out above the ceiling is written again, softer."""
NAME_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._ -]{0,99}$"


class Audiobook(Product):
    """Chapters joined with pauses, at one loudness, with chapters, cover and tags; one folder a book.

    Each book stands in `folder/author/title/`. Beside it stand the report (what was measured, which lines a person
    should listen to, how it was made) and what Audiobookshelf reads. A book whose lines and options are what they were
    is not written again.
    """

    name: ClassVar[str] = "audiobook"

    format: BookFormat = Field("m4b", description="File format.")
    per_chapter: bool = Field(False, description="One file a chapter instead of one a book.")  # noqa: FBT003 - an option's default
    folder: str = Field("audiobook", pattern=NAME_PATTERN, description="Folder in the output folder.")
    bit_rate: int = Field(64_000, ge=16_000, le=320_000, description="Bits a second; FLAC has none.")
    loudness: float = Field(-18.0, ge=-40, le=-8, description="Loudness of the whole book, in LUFS (EBU R128).")
    peak: float = Field(-1.0, ge=-20, le=0, description="Highest true peak, in dBTP; it goes before the loudness.")
    pauses: Pauses = Field(default_factory=Pauses, description="Silence between lines.")
    about: About = Field(default_factory=About, description="Title and makers, where the book does not tell them.")
    cover: Path | None = Field(None, description="Picture for the cover, instead of the book's own.")
    subtitles: list[Subtitles] = Field(default_factory=list, description="Text to read along: srt, vtt.")
    read_along: bool = Field(False, description="Also an EPUB 3 that highlights what is spoken.")  # noqa: FBT003 - same
    incomplete: bool = Field(False, description="Make a book although lines of it have no sound.")  # noqa: FBT003 - same

    def make(self, run: FinishedRun) -> Path:
        """Write every book of the run; returns their folder. Raises `ValleError` for books that cannot be made."""
        top = run.folder / self.folder
        top.mkdir(exist_ok=True)
        made = run.recipe()
        problems: list[str] = []
        names: set[Path] = set()
        for key, stream in books(run):
            lines = list(stream)
            book = _Book(self, key or run.name, lines, made)
            if book.folder(top) in names:
                problems.append(f"two books are called {book.title!r}: give them titles or authors of their own")
                continue
            names.add(book.folder(top))
            if problem := book.write(top):
                problems.append(problem)
        if len(names) > 1 and self.about.title:
            problems.append("`about.title` names one book, the job has several")
        if problems:
            raise ValleError("; ".join(problems))
        return top


@dataclass(frozen=True, slots=True)
class _File:
    """One file of a book: its name, its places, its chapters."""

    name: str
    spots: list[Spot]
    chapters: list[Chapter]
    tail: float

    @property
    def samples(self) -> int:
        return self.spots[-1].end + round(self.tail * RATE)


class _Book:
    """One book on its way into files."""

    def __init__(self, options: Audiobook, key: str, lines: Sequence[Line], recipe: Mapping[str, Any]) -> None:
        from valle_plugins.audiobook.original import facts_of  # noqa: PLC0415 - reading books is not for every job

        self._options = options
        self._lines = lines
        self._made = provenance(recipe, lines)
        facts, cover = facts_of(lines[0].source)
        voices = ", ".join(self._made["voices"])
        self._about = options.about.completed({**facts, "title": facts.get("title") or key, "narrator": voices})
        self._cover = _cover(options.cover, cover)

    @property
    def title(self) -> str:
        """Title of the book."""
        return self._about.title

    def folder(self, top: Path) -> Path:
        """Where it goes."""
        return top / file_name(self._about.author, "Unknown author") / file_name(self.title, "Untitled")

    def write(self, top: Path) -> str:
        """Write the book with all that stands beside it; returns why it was not written, empty when it was."""
        folder = self.folder(top)
        folder.mkdir(parents=True, exist_ok=True)
        silent = [line.id for line in self._lines if line.path is None]
        if silent and not self._options.incomplete:
            self._keep(folder / "report.json", _json({"title": self.title, "made": False, "without_sound": silent}))
            return (
                f"{self.title!r}: {len(silent)} of {len(self._lines)} lines have no sound ({', '.join(silent[:3])} …); "
                f"all are listed in {folder / 'report.json'}. `valle retry` makes them pending, "
                "`incomplete: true` leaves them out"
            )
        digest = self._digest()
        if _is_made(folder, digest):
            return ""
        files = self._files()
        work = top / WORK
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        measured = self._encode(files, work, folder)
        without = self._read_along(folder, work, measured["gain_db"]) if self._options.read_along else ""
        self._write_beside(folder, files, {"loudness": measured, "no_read_along": without}, digest)
        shutil.rmtree(work)
        return ""

    def _files(self) -> list[_File]:
        pauses = self._options.pauses
        parts = [self._lines]
        if self._options.per_chapter:
            parts = [list(lines) for _, lines in groupby(self._lines, key=lambda line: line.chapter)]
        files = []
        for number, lines in enumerate(parts, start=1):
            spots = list(laid_out(lines, pauses, RATE))
            chapters = _chapters(spots, round(pauses.chapter * RATE))
            name = file_name(self.title, "book")
            if self._options.per_chapter:
                name = f"{number:0{len(str(len(parts)))}} - {file_name(chapters[0].title, 'Chapter')}"
            files.append(_File(f"{name}.{self._options.format}", spots, chapters, pauses.chapter))
        return files

    def _encode(self, files: Sequence[_File], work: Path, folder: Path) -> dict[str, Any]:
        """Write the sound at one gain for the whole book; returns what was measured before and after."""
        from valle_plugins.audiobook.sound import gain_for, measure  # noqa: PLC0415 - numpy and av are for making

        options = self._options
        raw = measure(_joined(files), RATE)
        gain = gain_for(raw, options.loudness, options.peak)
        for _ in range(TRIES):
            for number, file in enumerate(files, start=1):
                self._write_file(work / file.name, file, gain, number if options.per_chapter else 0)
            final = measure(_decoded([work / file.name for file in files]), RATE)
            if final.true_peak <= options.peak:
                break
            gain -= final.true_peak - options.peak + 0.05
        for old in folder.glob(f"*.{options.format}"):
            if old.name not in {file.name for file in files}:
                old.unlink()
        for file in files:
            _settle(work / file.name, folder / file.name)
        limited = gain < options.loudness - raw.integrated - 0.01
        return {
            "target": options.loudness,
            "ceiling": options.peak,
            "before": asdict(raw),
            "gain_db": gain,
            "after": asdict(final),
            "limited_by_peak": limited,
        }

    def _write_file(self, path: Path, file: _File, gain: float, track: int) -> None:
        from valle_plugins.audiobook.sound import scaled, sound_of  # noqa: PLC0415 - as above

        tags = self._about.tags(comment_of(self._made))
        if track:
            tags |= {"title": file.chapters[0].title, "track": str(track)}
        label = Label(tags, file.chapters, self._cover)
        blocks = scaled(sound_of(file.spots, RATE, file.tail), gain)
        write_book(path, blocks, self._options.format, self._options.bit_rate, label)

    def _read_along(self, folder: Path, work: Path, gain: float) -> str:
        """Write the EPUB that speaks; returns why there is none, empty when there is."""
        from valle_plugins.audiobook.read_along import overlays, problem_with, write_epub  # noqa: PLC0415 - as above
        from valle_plugins.audiobook.sound import scaled, sound_of  # noqa: PLC0415 - as above

        source, options = self._lines[0].source, self._options
        if problem := problem_with(source):
            return problem

        def lay_out(lines: Sequence[Line]) -> Sequence[Spot]:
            return list(laid_out(lines, options.pauses, RATE))

        def encode(path: Path, spots: Sequence[Spot]) -> None:
            label = Label({"title": self.title}, ())
            write_book(path, scaled(sound_of(spots, RATE), gain), "m4b", options.bit_rate, label)

        spoken = [line for line in self._lines if line.element]
        made = list(overlays(source, spoken, lay_out, encode, work))
        name = f"{file_name(self.title, 'book')}.epub"
        write_epub(work / name, source, made, self._about.narrator)
        _settle(work / name, folder / name)
        return ""

    def _write_beside(self, folder: Path, files: Sequence[_File], found: Mapping[str, Any], digest: str) -> None:
        for file in files:
            for kind in self._options.subtitles:
                text = "".join(cues(file.spots, kind))
                self._keep((folder / file.name).with_suffix(f".{kind}"), text.encode())
        if self._cover:
            suffix = "png" if self._cover.media_type == "image/png" else "jpg"
            self._keep(folder / f"cover.{suffix}", self._cover.data)
        self._keep(folder / "metadata.json", _json(self._about.for_audiobookshelf()))
        doubtful = [_doubtful(file.name, spot) for file in files for spot in file.spots if spot.line.doubt]
        self._keep(folder / "doubtful.txt", "".join(map(_doubt_line, doubtful)).encode())
        report = {
            "title": self.title,
            "made": True,
            "digest": digest,
            "files": [_facts(folder / file.name, file) for file in files],
            "lines": len(self._lines),
            **found,
            "doubtful": doubtful,
            "without_sound": [line.id for line in self._lines if line.path is None],
            "provenance": self._made,
        }
        # Last: it says that all the rest is there.
        self._keep(folder / "report.json", _json(report))

    def _digest(self) -> str:
        """What determines the files."""
        facts = {
            "engine": valle_engine.__version__,
            "options": self._options.model_dump(mode="json", exclude={"cover"}),
            "about": self._about.model_dump(),
            "cover": hashlib.sha256(self._cover.data).hexdigest() if self._cover else "",
            "made": self._made,
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for line in self._lines:
            digest.update(repr(asdict(line) | {"path": None}).encode())
        return digest.hexdigest()

    @staticmethod
    def _keep(path: Path, data: bytes) -> None:
        with replacing(path) as file:
            file.write(data)


def _joined(files: Iterable[_File]) -> Iterator[Any]:
    from valle_plugins.audiobook.sound import sound_of  # noqa: PLC0415 - as above

    for file in files:
        yield from sound_of(file.spots, RATE, file.tail)


def _decoded(paths: Iterable[Path]) -> Iterator[Any]:
    """The samples of finished files, as a player hears them."""
    import av  # noqa: PLC0415 - as above

    for path in paths:
        with av.open(str(path)) as container:
            plain = av.AudioResampler(format="flt", layout="mono", rate=RATE)
            for frame in container.decode(audio=0):
                for piece in plain.resample(frame):
                    yield piece.to_ndarray()[0]
            for piece in plain.resample(None):
                yield piece.to_ndarray()[0]


def _chapters(spots: Sequence[Spot], tail: int) -> list[Chapter]:
    """A chapter begins with the sound of its first line, the first one with the file."""
    firsts = [next(group) for _, group in groupby(spots, key=lambda spot: spot.line.chapter)]
    starts = [0, *(spot.start for spot in firsts[1:])]
    ends = [*starts[1:], spots[-1].end + tail]
    titles = [first.line.title or f"Chapter {first.line.chapter or 1}" for first in firsts]
    return [Chapter(*facts) for facts in zip(titles, starts, ends, strict=True)]


def _settle(path: Path, final: Path) -> None:
    """Bring a finished file to its place, on disk before anybody can see it there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.replace(final)


def _cover(chosen: Path | None, own: tuple[str, bytes] | None) -> Picture | None:
    if chosen is not None:
        found = picture("image/png" if chosen.suffix.lower() == ".png" else "image/jpeg", chosen.read_bytes())
        if found is None:
            raise ValleError(f"{chosen} is no picture; give a PNG or JPEG file as the cover")
        return found
    return picture(*own) if own else None


def _is_made(folder: Path, digest: str) -> bool:
    try:
        report = json.loads((folder / "report.json").read_bytes())
        return report["digest"] == digest and all(
            hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest() == file["sha256"]
            for file in report["files"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _facts(path: Path, file: _File) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    chapters = [{"title": each.title, "start": clock(each.start / RATE)} for each in file.chapters]
    return {"name": file.name, "seconds": file.samples / RATE, "sha256": digest, "chapters": chapters}


def _doubtful(name: str, spot: Spot) -> dict[str, Any]:
    line = spot.line
    return {
        "id": line.id,
        "file": name,
        "start": clock(spot.start / RATE),
        "end": clock(spot.end / RATE),
        "chapter": line.title or line.chapter,
        "text": line.written,
        "why": line.doubt,
    }


def _doubt_line(doubt: Mapping[str, Any]) -> str:
    return f"{doubt['start']}  {doubt['id']}  {doubt['why']}  {doubt['text']}\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=True, default=str).encode()
