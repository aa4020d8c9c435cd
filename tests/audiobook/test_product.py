"""Finished books, looked at by readers that are not ours: FFmpeg's (through PyAV) and mutagen."""

import json
import subprocess
import sys

import av
import mutagen
import numpy as np
import pyloudnorm
import pytest
import scipy.signal

import valle_plugins.audiobook.book
from tests.audiobook.conftest import FakeRun, two_chapters
from valle_engine.errors import ValleError
from valle_plugins.audiobook.book import _decoded
from valle_plugins.audiobook.container import RATE
from valle_plugins.audiobook.product import Audiobook
from valle_plugins.audiobook.sound import measure

ABOUT = {"title": "Alice", "author": "Lewis Carroll", "series": "Wonderland", "part": "1", "date": "1865-11-26"}
FORMATS = ["m4b", "mp3", "opus", "flac"]


def made(run, **options):
    """The folder of the one book of a run."""
    top = Audiobook(**{"about": ABOUT, **options}).make(run)
    return next(path.parent for path in top.rglob("report.json"))


def report(folder):
    return json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The two chapters as a book in each format, with a cover and subtitles, made once."""
    folders = {}

    def finished(kind):
        if kind not in folders:
            folder = tmp_path_factory.mktemp(kind)
            (folder / "cover.png").write_bytes(png(8, 8))
            run = two_chapters(FakeRun(folder))
            folders[kind] = made(run, format=kind, cover=folder / "cover.png", subtitles=["srt", "vtt"])
        return folders[kind]

    return finished


def heard(path):
    """The samples of a file as a player gives them."""
    return np.concatenate(list(_decoded([path])))


def test_importing_the_plugin_loads_neither_av_nor_numpy():
    code = "import sys, valle_plugins.audiobook; sys.exit(bool({'av', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_a_book_has_its_length_chapters_and_tags(finished, kind):
    folder = finished(kind)
    with av.open(str(folder / f"Alice.{kind}")) as file:
        chapters = [(each["metadata"]["title"], float(each["start"] * each["time_base"])) for each in file.chapters()]
        tags = {**file.metadata, **file.streams.audio[0].metadata}
        seconds = file.duration / 1e6
    # 0.5 before, 1.0 after the heading, 0.25 in the paragraph, 1.5 before the scene, 2.0 after the chapter.
    second = 0.5 + 0.4 + 1.0 + 0.8 + 0.25 + 0.5 + 1.5 + 0.5 + 2.0
    assert chapters == [("Down the Rabbit-Hole", 0), ("The Pool of Tears", pytest.approx(second, abs=0.002))]
    assert seconds == pytest.approx(second + 0.4 + 1.0 + 0.8 + 0.25 + 0.6 + 2.0, abs=0.1)
    assert {name.lower(): value for name, value in tags.items()}["title"] == "Alice"
    assert "espeak, seed 7; voices: narrator" in json.dumps(tags)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_book_has_the_loudness_asked_for_and_no_peak_above_the_ceiling(finished, kind):
    folder = finished(kind)
    found = measure([heard(folder / f"Alice.{kind}")], RATE)
    assert found.integrated == pytest.approx(-18, abs=0.5)
    assert found.true_peak <= -1
    assert report(folder)["loudness"]["after"]["integrated"] == pytest.approx(found.integrated, abs=0.1)


def test_one_gain_is_for_the_whole_book(finished):
    samples = heard(finished("flac") / "Alice.flac")
    gain = 10 ** (report(finished("flac"))["loudness"]["gain_db"] / 20)
    # The tone of a2 reaches 0.1, that of b2 0.2: what was twice as loud still is.
    assert np.abs(samples[: 3 * RATE]).max() == pytest.approx(0.1 * gain, rel=0.02)
    assert np.abs(samples).max() == pytest.approx(0.2 * gain, rel=0.02)


def test_a_peak_goes_before_the_loudness_and_the_report_says_so(spoken):
    folder = made(spoken, format="flac", loudness=-8, peak=-3)
    found = report(folder)["loudness"]
    assert found["limited_by_peak"]
    assert -3.3 < found["after"]["true_peak"] <= -3


def test_mutagen_reads_cover_chapters_and_tags_of_an_m4b(finished):
    file = mutagen.File(finished("m4b") / "Alice.m4b")
    assert [chapter.title for chapter in file.chapters] == ["Down the Rabbit-Hole", "The Pool of Tears"]
    assert file.tags["\xa9nam"] == ["Alice"]
    assert file.tags["\xa9ART"] == ["Lewis Carroll"]
    assert file.tags["stik"] == [2]
    assert bytes(file.tags["covr"][0]) == png(8, 8)


@pytest.mark.parametrize("kind", ["mp3", "flac", "opus"])
def test_other_formats_have_the_cover_too(finished, kind):
    with av.open(str(finished(kind) / f"Alice.{kind}")) as file:
        [picture] = list(file.streams.video)
        assert (picture.codec_context.name, picture.width, picture.height) == ("png", 8, 8)


def test_a_second_run_of_the_same_book_writes_nothing(spoken):
    folder = made(spoken)
    before = (folder / "Alice.m4b").stat()
    assert (made(spoken) / "Alice.m4b").stat().st_mtime_ns == before.st_mtime_ns
    made(spoken, bit_rate=32_000)
    assert (folder / "Alice.m4b").stat().st_size < before.st_size


def test_a_damaged_book_is_written_again(spoken):
    file = made(spoken) / "Alice.m4b"
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    made(spoken)
    assert file.read_bytes() == whole


def test_one_file_a_chapter(spoken):
    folder = made(spoken, per_chapter=True, format="mp3")
    names = sorted(path.name for path in folder.glob("*.mp3"))
    assert names == ["1 - Down the Rabbit-Hole.mp3", "2 - The Pool of Tears.mp3"]
    tags = mutagen.File(folder / names[1]).tags
    assert (str(tags["TIT2"]), str(tags["TALB"]), str(tags["TRCK"])) == ("The Pool of Tears", "Alice", "2")


def test_a_long_book_is_several_files_and_no_chapter_is_cut(spoken):
    folder = made(spoken, longest=5 / 3600, format="flac")
    names = [file["name"] for file in report(folder)["files"]]
    assert names == ["1 - Alice, part 1.flac", "2 - Alice, part 2.flac"]
    tags = mutagen.File(folder / names[1]).tags
    assert (tags["title"], tags["tracknumber"], tags["album"]) == (["Alice, part 2"], ["2"], ["Alice"])
    assert report(folder)["files"][1]["chapters"] == [{"title": "The Pool of Tears", "start": "00:00:00.000"}]


def test_what_an_earlier_book_left_is_taken_away(spoken):
    folder = made(spoken, format="flac", per_chapter=True, subtitles=["srt"])
    (folder / "mine.flac").write_bytes(b"x")
    made(spoken, format="mp3")
    assert sorted(path.name for path in folder.iterdir()) == [
        "Alice.mp3",
        "doubtful.txt",
        "metadata.json",
        "mine.flac",
        "report.json",
    ]


def test_what_a_killed_run_left_aside_is_swept_also_when_the_book_is_made(spoken):
    top = made(spoken, format="flac").parents[1]
    (top / ".audiobook-work").mkdir()
    (top / ".audiobook-work" / "Alice.flac").write_bytes(b"half")
    made(spoken, format="flac")
    assert [path.name for path in top.iterdir()] == ["Lewis Carroll"]


def test_an_interrupted_book_leaves_nothing_and_what_was_there_stays(spoken, monkeypatch):
    folder = made(spoken, format="flac")
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.iterdir())

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(valle_plugins.audiobook.book, "write_book", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(spoken, format="flac", loudness=-20)
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.iterdir()) == before
    assert [path.name for path in folder.parents[1].iterdir()] == ["Lewis Carroll"]


def test_an_independent_meter_finds_the_loudness_too(finished):
    samples = heard(finished("m4b") / "Alice.m4b")
    assert pyloudnorm.Meter(RATE).integrated_loudness(samples) == pytest.approx(-18, abs=0.5)
    # A true peak is that of the wave between the samples: four times as many of them show it.
    assert 20 * np.log10(np.abs(scipy.signal.resample_poly(samples, 4, 1)).max()) <= -1


def test_lines_without_sound_hold_the_book_back(spoken):
    spoken.add("b4", 0, "failed", chapter=2, chapter_title="The Pool of Tears")
    with pytest.raises(ValleError, match=r"1 of 8 lines have no sound \(b4 …\)"):
        made(spoken)
    [found] = spoken.folder.rglob("report.json")
    assert report(found.parent) == {"title": "Alice", "made": False, "without_sound": ["b4"]}
    folder = made(spoken, incomplete=True)
    assert report(folder)["without_sound"] == ["b4"]


def test_doubtful_lines_are_listed_with_their_time(spoken):
    spoken.add("b4", 1.0, "rejected", chapter=2, chapter_title="The Pool of Tears", paragraph=3)
    folder = made(spoken)
    [doubt] = report(folder)["doubtful"]
    assert (doubt["id"], doubt["chapter"], doubt["text"]) == ("b4", "The Pool of Tears", "Written b4.")
    assert doubt["start"] == "00:00:11.100"
    assert "b4  rejected: wer 0.4 is above 0.1  Written b4." in (folder / "doubtful.txt").read_text()


def test_subtitles_stand_where_the_lines_are(finished):
    folder = finished("m4b")
    assert (folder / "Alice.srt").read_text().startswith("1\n00:00:00,500 --> 00:00:00,900\nWritten a1.\n\n2\n")
    assert (folder / "Alice.vtt").read_text().startswith("WEBVTT\n\n1\n00:00:00.500 --> 00:00:00.900\nWritten a1.")


def test_audiobookshelf_finds_author_title_and_series(finished):
    folder = finished("m4b")
    assert folder.parts[-3:] == ("audiobook", "Lewis Carroll", "Alice")
    found = json.loads((folder / "metadata.json").read_text())
    assert (found["authors"], found["series"], found["publishedYear"]) == (["Lewis Carroll"], ["Wonderland #1"], "1865")


def test_several_books_of_one_run(spoken):
    for number in range(2):
        spoken.add(f"c{number}", 1.0, book="looking-glass", chapter=1)
    top = Audiobook(about={"author": "Lewis Carroll"}).make(spoken)
    assert sorted(path.name for path in top.rglob("*.m4b")) == ["alice.m4b", "looking-glass.m4b"]


def test_one_title_cannot_be_that_of_two_books(spoken):
    spoken.add("c1", 1.0, book="looking-glass")
    with pytest.raises(ValleError, match="two books are called 'Alice'"):
        made(spoken)


def test_a_name_from_a_book_stays_in_the_folder(spoken):
    folder = made(spoken, about={"title": "../../etc/passwd", "author": "..\x00/"})
    assert folder.relative_to(spoken.folder / "audiobook").parts == ("Unknown author", "etc passwd")


def test_a_cover_that_is_none_is_told(spoken, tmp_path):
    (tmp_path / "cover.png").write_bytes(b"no picture")
    with pytest.raises(ValleError, match=r"cover\.png is no picture"):
        made(spoken, cover=tmp_path / "cover.png")


def test_a_manifest_without_chapters_makes_one(run):
    run.add("x", 1.0)
    run.add("y", 1.0)
    [file] = report(made(run))["files"]
    assert file["chapters"] == [{"title": "Chapter 1", "start": "00:00:00.000"}]


def png(width, height):
    """A red picture."""
    import struct  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\xc0\x20\x20" * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
