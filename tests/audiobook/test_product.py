"""Finished books, looked at by readers that are not ours: FFmpeg's (through PyAV) and mutagen."""

import json
import subprocess
import sys

import av
import mutagen
import numpy as np
import pytest

from valle_engine.errors import ValleError
from valle_plugins.audiobook.container import RATE
from valle_plugins.audiobook.product import Audiobook, _decoded
from valle_plugins.audiobook.sound import measure

ABOUT = {"title": "Alice", "author": "Lewis Carroll", "series": "Wonderland", "part": "1", "date": "1865-11-26"}
FORMATS = ["m4b", "mp3", "opus", "flac"]


def made(run, **options):
    """The folder of the one book of a run."""
    top = Audiobook(**{"about": ABOUT, **options}).make(run)
    return next(path.parent for path in top.rglob("report.json"))


def report(folder):
    return json.loads((folder / "report.json").read_text())


def heard(path):
    """The samples of a file as a player gives them."""
    return np.concatenate(list(_decoded([path])))


def test_importing_the_plugin_loads_neither_av_nor_numpy():
    code = "import sys, valle_plugins.audiobook; sys.exit(bool({'av', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_a_book_has_its_length_chapters_and_tags(spoken, kind):
    folder = made(spoken, format=kind)
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
def test_a_book_has_the_loudness_asked_for_and_no_peak_above_the_ceiling(spoken, kind):
    folder = made(spoken, format=kind)
    found = measure([heard(folder / f"Alice.{kind}")], RATE)
    assert found.integrated == pytest.approx(-18, abs=0.5)
    assert found.true_peak <= -1
    assert report(folder)["loudness"]["after"]["integrated"] == pytest.approx(found.integrated, abs=0.1)


def test_one_gain_is_for_the_whole_book(spoken):
    samples = heard(made(spoken, format="flac") / "Alice.flac")
    gain = 10 ** (report(made(spoken, format="flac"))["loudness"]["gain_db"] / 20)
    # The tone of a2 reaches 0.1, that of b2 0.2: what was twice as loud still is.
    assert np.abs(samples[: 3 * RATE]).max() == pytest.approx(0.1 * gain, rel=0.02)
    assert np.abs(samples).max() == pytest.approx(0.2 * gain, rel=0.02)


def test_a_peak_goes_before_the_loudness_and_the_report_says_so(spoken):
    folder = made(spoken, format="flac", loudness=-8, peak=-3)
    found = report(folder)["loudness"]
    assert found["limited_by_peak"]
    assert -3.3 < found["after"]["true_peak"] <= -3


def test_mutagen_reads_cover_chapters_and_tags_of_an_m4b(spoken, tmp_path):
    cover = tmp_path / "cover.png"
    cover.write_bytes(png(8, 8))
    file = mutagen.File(made(spoken, cover=cover) / "Alice.m4b")
    assert file.tags["\xa9nam"] == ["Alice"]
    assert file.tags["\xa9ART"] == ["Lewis Carroll"]
    assert file.tags["stik"] == [2]
    assert bytes(file.tags["covr"][0]) == png(8, 8)


@pytest.mark.parametrize("kind", ["mp3", "flac", "opus"])
def test_other_formats_have_the_cover_too(spoken, tmp_path, kind):
    cover = tmp_path / "cover.png"
    cover.write_bytes(png(8, 8))
    with av.open(str(made(spoken, cover=cover, format=kind) / f"Alice.{kind}")) as file:
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


def test_subtitles_stand_where_the_lines_are(spoken):
    folder = made(spoken, subtitles=["srt", "vtt"])
    assert (folder / "Alice.srt").read_text().startswith("1\n00:00:00,500 --> 00:00:00,900\nWritten a1.\n\n2\n")
    assert (folder / "Alice.vtt").read_text().startswith("WEBVTT\n\n1\n00:00:00.500 --> 00:00:00.900\nWritten a1.")


def test_audiobookshelf_finds_author_title_and_series(spoken):
    folder = made(spoken)
    assert folder == spoken.folder / "audiobook" / "Lewis Carroll" / "Alice"
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
