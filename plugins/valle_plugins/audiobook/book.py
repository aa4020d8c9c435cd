"""One book on its way into files: everything is written aside and comes to its place when it is whole."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from valle_engine import __version__
from valle_engine.errors import ValleError
from valle_plugins.audiobook.about import comment_of, file_name, provenance
from valle_plugins.audiobook.container import RATE, Label, Picture, clock, picture, write_book
from valle_plugins.audiobook.files import Cut, File
from valle_plugins.audiobook.lines import Line, Spot, laid_out
from valle_plugins.audiobook.subtitles import cues

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from valle_plugins.audiobook.product import Audiobook

TRIES = 3
"""A lossy coder moves peaks: what comes out above the ceiling is written again, softer."""
REPORT = "report.json"


class Book:
    """A book of a run: its lines, what it says of itself, and how it is to be written."""

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

    def write(self, folder: Path, work: Path) -> str:
        """Write the book with all that stands beside it; returns why it was not written, empty when it was.

        `work` is an empty folder of the same file system; it is empty again afterwards.
        """
        folder.mkdir(parents=True, exist_ok=True)
        silent = [line.id for line in self._lines if line.path is None]
        if silent and not self._options.incomplete:
            (work / REPORT).write_bytes(_json({"title": self.title, "made": False, "without_sound": silent}))
            _settle(work / REPORT, folder / REPORT)
            return (
                f"{self.title!r}: {len(silent)} of {len(self._lines)} lines have no sound ({', '.join(silent[:3])} …); "
                f"all are listed in {folder / REPORT}. `valle retry` makes them pending, "
                "`incomplete: true` leaves them out"
            )
        digest = self._digest()
        before = _report(folder)
        if before.get("digest") == digest and _is_whole(folder, before):
            return ""
        self._make(work, digest)
        names = sorted(path.name for path in work.iterdir())
        # Last: it says that all the rest is there.
        for name in sorted(names, key=lambda each: each == REPORT):
            _settle(work / name, folder / name)
        for stale in {*_names(before)} - {*names}:
            (folder / stale.replace("/", " ")).unlink(missing_ok=True)
        return ""

    def _make(self, work: Path, digest: str) -> None:
        options = self._options
        files = Cut(options.per_chapter, options.longest * 3600, options.pauses, options.format).files(
            self.title, self._lines
        )
        measured = self._encode(files, work)
        without = self._read_along(work, measured["gain_db"]) if options.read_along else ""
        self._write_beside(files, work)
        report = {
            "title": self.title,
            "made": True,
            "digest": digest,
            "files": [_facts(work / file.name, file) for file in files],
            "beside": sorted({path.name for path in work.iterdir()} - {file.name for file in files}),
            "lines": len(self._lines),
            "loudness": measured,
            "no_read_along": without,
            "doubtful": list(_doubtful(files)),
            "without_sound": [line.id for line in self._lines if line.path is None],
            "provenance": self._made,
        }
        (work / REPORT).write_bytes(_json(report))

    def _encode(self, files: Sequence[File], work: Path) -> dict[str, Any]:
        """Write the sound at one gain for the whole book; returns what was measured before and after."""
        from valle_plugins.audiobook.sound import gain_for, measure, sound_of  # noqa: PLC0415 - numpy and av are for making

        options = self._options
        raw = measure((block for file in files for block in sound_of(file.spots, RATE, file.tail)), RATE)
        gain = gain_for(raw, options.loudness, options.peak)
        for _ in range(TRIES):
            for file in files:
                self._write_file(work / file.name, file, gain)
            final = measure(_decoded([work / file.name for file in files]), RATE)
            if final.true_peak <= options.peak:
                break
            gain -= final.true_peak - options.peak + 0.05
        return {
            "target": options.loudness,
            "ceiling": options.peak,
            "before": asdict(raw),
            "gain_db": gain,
            "after": asdict(final),
            "limited_by_peak": gain < options.loudness - raw.integrated - 0.01,
        }

    def _write_file(self, path: Path, file: File, gain: float) -> None:
        from valle_plugins.audiobook.sound import scaled, sound_of  # noqa: PLC0415 - as above

        tags = self._about.tags(comment_of(self._made))
        if file.number:
            tags |= {"title": file.title, "track": str(file.number)}
        label = Label(tags, file.chapters, self._cover)
        blocks = scaled(sound_of(file.spots, RATE, file.tail), gain)
        write_book(path, blocks, self._options.format, self._options.bit_rate, label)

    def _read_along(self, work: Path, gain: float) -> str:
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
        write_epub(work / f"{file_name(self.title, 'book')}.epub", source, made, self._about.narrator)
        for overlay in made:
            overlay.sound.unlink()
        return ""

    def _write_beside(self, files: Sequence[File], work: Path) -> None:
        for file in files:
            for kind in self._options.subtitles:
                with (work / file.name).with_suffix(f".{kind}").open("w", encoding="utf-8") as text:
                    text.writelines(cues(file.spots, kind))
        if self._cover:
            suffix = "png" if self._cover.media_type == "image/png" else "jpg"
            (work / f"cover.{suffix}").write_bytes(self._cover.data)
        (work / "metadata.json").write_bytes(_json(self._about.for_audiobookshelf()))
        with (work / "doubtful.txt").open("w", encoding="utf-8") as text:
            text.writelines(map(_doubt_line, _doubtful(files)))

    def _digest(self) -> str:
        """What determines the files."""
        facts = {
            "engine": __version__,
            "options": self._options.model_dump(mode="json", exclude={"cover"}),
            "about": self._about.model_dump(),
            "cover": hashlib.sha256(self._cover.data).hexdigest() if self._cover else "",
            "made": self._made,
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for line in self._lines:
            digest.update(repr(asdict(line) | {"path": None}).encode())
        return digest.hexdigest()


def _decoded(paths: Iterable[Path]) -> Iterator[Any]:
    """The samples of finished files, as a player hears them."""
    import av  # noqa: PLC0415 - only a run that makes a book pays for it

    for path in paths:
        with av.open(str(path)) as container:
            plain = av.AudioResampler(format="flt", layout="mono", rate=RATE)
            for frame in container.decode(audio=0):
                for piece in plain.resample(frame):
                    yield piece.to_ndarray()[0]
            for piece in plain.resample(None):
                yield piece.to_ndarray()[0]


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


def _report(folder: Path) -> dict[str, Any]:
    """What the last report of a folder says; nothing where there is none that can be read."""
    with suppress(OSError, ValueError):
        found = json.loads((folder / REPORT).read_bytes())
        if isinstance(found, dict):
            return found
    return {}


def _names(report: Mapping[str, Any]) -> Iterator[str]:
    """The names of the files that a report tells of."""
    with suppress(KeyError, TypeError):
        yield from (str(file["name"]) for file in report["files"])
        yield from map(str, report["beside"])


def _is_whole(folder: Path, report: Mapping[str, Any]) -> bool:
    """Whether everything is there that a report tells of, its sound as it was written."""
    with suppress(OSError, KeyError, TypeError):
        same = all(_sha256(folder / file["name"]) == file["sha256"] for file in report["files"])
        return same and all((folder / name).is_file() for name in report["beside"])
    return False


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _facts(path: Path, file: File) -> dict[str, Any]:
    chapters = [{"title": each.title, "start": clock(each.start / RATE)} for each in file.chapters]
    return {"name": file.name, "seconds": file.samples / RATE, "sha256": _sha256(path), "chapters": chapters}


def _doubtful(files: Iterable[File]) -> Iterator[dict[str, Any]]:
    """The lines that a person should listen to, with their times."""
    for file in files:
        for spot in file.spots:
            if spot.line.doubt:
                yield {
                    "id": spot.line.id,
                    "file": file.name,
                    "start": clock(spot.start / RATE),
                    "end": clock(spot.end / RATE),
                    "chapter": spot.line.title or spot.line.chapter,
                    "text": spot.line.written,
                    "why": spot.line.doubt,
                }


def _doubt_line(doubt: Mapping[str, Any]) -> str:
    return f"{doubt['start']}  {doubt['id']}  {doubt['why']}  {doubt['text']}\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=True, default=str).encode()
