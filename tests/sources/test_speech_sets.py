"""Test sets as sources: their rows under our field names, and every missing file named."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from valle_engine.cli import main
from valle_engine.errors import JobError
from valle_engine.testing import check_source
from valle_plugins.sources.hugging_face import HuggingFaceFolder, HuggingFaceParquet
from valle_plugins.sources.kaldi import Kaldi
from valle_plugins.sources.lhotse import Lhotse
from valle_plugins.sources.librispeech import LibriSpeech, LibriSpeechPC
from valle_plugins.sources.nemo import Nemo
from valle_plugins.sources.seed_tts_eval import SeedTtsEval


def fields(source):
    """The rows' fields, of a source without problems."""
    rows = list(source.rows())
    assert not [row.problem for row in rows if row.problem]
    return [dict(row.fields) for row in rows]


def problems(source):
    return [row.problem for row in source.rows() if row.problem]


def lines(*objects):
    return "".join(json.dumps(each) + "\n" for each in objects)


@pytest.fixture
def seed(put):
    for name in ("prompt-wavs/p.wav", "wavs/a.wav", "wavs/b.wav", "own/r.wav"):
        put(f"en/{name}", 0.1)
    return put(
        "en/meta.lst",
        "a|Prompt text.|prompt-wavs/p.wav|Say this.\n"
        "b.wav|P.|prompt-wavs/p.wav|And that.\n"
        "c|P.|prompt-wavs/p.wav|X.|own/r.wav\n",
    )


def test_seed_tts_eval_gives_prompt_text_and_reference(seed):
    folder = seed.parent
    first, second, third = fields(SeedTtsEval(path=seed))
    voice = str(folder / "prompt-wavs/p.wav")
    told = {"voice_text": "Prompt text.", "voice": voice, "text": "Say this.", "language": "en"}
    assert first == {"id": "a", **told, "reference": str(folder / "wavs/a.wav")}
    assert (second["id"], second["reference"]) == ("b", str(folder / "wavs/b.wav"))
    assert third["reference"] == str(folder / "own/r.wav")
    check_source(SeedTtsEval(path=seed))


def test_the_hard_cases_of_seed_tts_eval_have_no_references(seed, put):
    hard = put("en/hardcase.lst", "h1|P.|prompt-wavs/p.wav|Hard.\n")
    assert "reference" not in fields(SeedTtsEval(path=hard, language="zh"))[0]
    assert fields(SeedTtsEval(path=hard, language="zh"))[0]["language"] == "zh"


def test_what_is_missing_is_named_and_counted(seed):
    (seed.parent / "wavs/b.wav").unlink()
    (seed.parent / "own/r.wav").unlink()
    assert problems(SeedTtsEval(path=seed)) == [
        f"no such file: {seed.parent / 'wavs/b.wav'}",
        f"no such file: {seed.parent / 'own/r.wav'}",
        "2 of 3 rows name audio files that are not there",
    ]


def test_a_check_names_what_is_missing_in_a_set(seed, put, capsys):
    (seed.parent / "wavs/b.wav").unlink()
    job = put(
        "job.yaml", "name: x\ntask: espeak\nitems: {kind: seed-tts-eval, path: en/meta.lst, rename: {v: voice}}\n"
    )
    assert main(["check", str(job)]) == 2
    said = capsys.readouterr()
    told = said.out + said.err
    assert f"{seed}:2: no such file: {seed.parent / 'wavs/b.wav'}" in told
    assert "1 of 3 rows name audio files that are not there" in told


def test_a_line_of_seed_tts_eval_with_odd_columns_is_told(put):
    assert problems(SeedTtsEval(path=put("meta.lst", "only-a-name\n"))) == ["1 columns; a line has 2 to 5, parted by |"]


@pytest.fixture
def libri(put):
    put("LibriSpeech/test-clean/61/70968/61-70968.trans.txt", "61-70968-0000 HE BEGAN\n61-70968-0001 GIVE NOT\n")
    put("LibriSpeech/test-clean/61/70968/61-70968-0000.flac", 0.1)
    return put("LibriSpeech/test-clean/61/70968/61-70968-0001.flac", 0.1).parents[2]


def test_librispeech_is_read_by_its_transcripts(libri):
    folder = libri / "61" / "70968"
    told = {"language": "en", "speaker": "61", "chapter": "70968"}
    assert fields(LibriSpeech(path=libri.parent)) == [
        {"id": "61-70968-0000", "text": "HE BEGAN", "audio": str(folder / "61-70968-0000.flac"), **told},
        {"id": "61-70968-0001", "text": "GIVE NOT", "audio": str(folder / "61-70968-0001.flac"), **told},
    ]
    check_source(LibriSpeech(path=libri))


def test_librispeech_names_audio_without_text_and_text_without_audio(libri, put):
    (libri / "61/70968/61-70968-0000.flac").rename(libri / "61/70968/61-70968-0009.flac")
    assert problems(LibriSpeech(path=libri)) == [
        f"no such file: {libri / '61/70968/61-70968-0000.flac'}",
        f"{libri / '61/70968/61-70968-0009.flac'} has no line in 61-70968.trans.txt",
        "1 of 3 rows name audio files that are not there",
    ]


def test_a_folder_that_is_no_librispeech_is_an_error(tmp_path):
    with pytest.raises(JobError, match="no transcripts"):
        list(LibriSpeech(path=tmp_path).rows())


def test_librispeech_pc_gives_punctuation_and_case(libri, put):
    row = {"audio_filepath": "test-clean/61/70968/61-70968-0000.flac", "duration": 0.1, "text": "He began."}
    [item] = fields(LibriSpeechPC(path=put("test-clean.json", lines(row)), audio=libri))
    assert (item["text"], item["audio"]) == ("He began.", str(libri / "61/70968/61-70968-0000.flac"))
    assert (item["id"], item["speaker"]) == ("61-70968-0000", "61")


def test_pairs_of_librispeech_pc_give_prompt_and_reference(libri, put):
    pairs = put("pairs.lst", "61-70968-0000\t4.2\tHe began.\t61-70968-0001\t5.0\tGive not.\n")
    [item] = fields(LibriSpeechPC(path=pairs, audio=libri))
    folder = libri / "61" / "70968"
    assert item["voice"] == str(folder / "61-70968-0000.flac")
    assert item["reference"] == str(folder / "61-70968-0001.flac")
    assert (item["id"], item["text"], item["voice_text"]) == ("61-70968-0001", "Give not.", "He began.")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.lst", "x\ty\n", "2 columns"),
        ("a.json", "{}\n", "no line of LibriSpeech-PC"),
        ("b.json", "{\n", "not valid JSON"),
    ],
)
def test_a_bad_line_of_librispeech_pc_is_told(libri, put, name, content, words):
    assert words in problems(LibriSpeechPC(path=put(name, content), audio=libri))[0]


@pytest.fixture
def kaldi(put):
    put("data/rec.wav", 2.0)
    put("data/wav.scp", "s1-rec rec.wav\n")
    put("data/text", "s1-rec hello there\n")
    put("data/utt2spk", "s1-rec s1\n")
    return put("data/utt2lang", "s1-rec en\n").parent


def test_kaldi_joins_its_files(kaldi):
    told = {"text": "hello there", "speaker": "s1", "language": "en"}
    assert fields(Kaldi(path=kaldi)) == [{"id": "s1-rec", "audio": str(kaldi / "rec.wav"), **told}]
    check_source(Kaldi(path=kaldi))


def test_segments_of_kaldi_are_cut_out(kaldi, put, tmp_path):
    put("data/segments", "u1 s1-rec 0.5 1.25\nu2 s1-rec 1 -1\nu3 s1-rec 0 2\n")
    put("data/text", "u1 one\nu2 two\nu3 three\n")
    (tmp_path / "cuts").mkdir()
    first, second, third = fields(Kaldi(path=kaldi, cuts=tmp_path / "cuts"))
    assert (first["id"], first["text"]) == ("u1", "one")
    sound, rate = soundfile.read(first["audio"])
    whole, _ = soundfile.read(kaldi / "rec.wav")
    assert (len(sound), rate) == (750, 1000)
    assert sound == pytest.approx(whole[500:1250], abs=2e-4)
    assert soundfile.info(second["audio"]).frames == 1000
    assert third["audio"] == str(kaldi / "rec.wav")
    check_source(Kaldi(path=kaldi, cuts=tmp_path / "cuts"))
    assert len(list((tmp_path / "cuts").iterdir())) == 2


def test_excerpts_without_a_folder_to_cut_them_into_are_refused(kaldi, put):
    put("data/segments", "u1 s1-rec 0.5 1.25\n")
    with pytest.raises(JobError, match="name a folder to cut them into with `cuts`"):
        list(Kaldi(path=kaldi).rows())


def test_a_recording_that_changed_is_cut_again(kaldi, put, tmp_path):
    put("data/segments", "u1 s1-rec 0.5 1.25\n")
    (tmp_path / "cuts").mkdir()
    source = Kaldi(path=kaldi, cuts=tmp_path / "cuts")
    before = next(source.rows()).fields["audio"]
    soundfile.write(kaldi / "rec.wav", [0.0] * 2000, 1000)
    os.utime(kaldi / "rec.wav", (0, 0))
    after = next(source.rows()).fields["audio"]
    assert before != after
    assert not soundfile.read(after)[0].any()


@pytest.mark.parametrize(
    ("segment", "words"),
    [
        ("u1 s1-rec 1 3", "of which 1.00 to 3.00 are none"),
        ("u1 other 0 1", "'other' is not in wav.scp"),
        ("u1 s1-rec zero 1", "a start and an end"),
        ("u1 s1-rec 1.5 1.0", "are none"),
    ],
)
def test_a_segment_that_cannot_be_is_told(kaldi, put, tmp_path, segment, words):
    put("data/segments", f"{segment}\n")
    assert words in problems(Kaldi(path=kaldi, cuts=tmp_path))[0]


def test_a_command_of_kaldi_is_never_run(kaldi, put, tmp_path):
    put("data/wav.scp", f"s1-rec touch {tmp_path / 'ran'} |\n")
    assert "is a command, which is never run" in problems(Kaldi(path=kaldi))[0]
    assert not (tmp_path / "ran").exists()


def test_a_text_of_kaldi_without_audio_is_named(kaldi, put):
    put("data/text", "s1-rec hello\nghost gone\n")
    assert problems(Kaldi(path=kaldi)) == [f"{kaldi / 'text'} has 'ghost', which wav.scp does not"]


def test_nemo_gives_our_names(put):
    audio, voice = put("wav/a b.wav", 0.5), put("wav/p.wav", 0.1)
    row = {"audio_filepath": "wav/a b.wav", "duration": 0.5, "text": "Hi.", "speaker": 7, "lang": "en"}
    manifest = put("m.json", lines({**row, "context_audio_filepath": "wav/p.wav", "context_text": "P."}))
    told = {"duration": 0.5, "text": "Hi.", "speaker": 7, "language": "en", "voice": str(voice), "voice_text": "P."}
    assert fields(Nemo(path=manifest)) == [{"id": "wav-a-b", "audio": str(audio), **told}]
    check_source(Nemo(path=manifest))


def test_an_offset_of_nemo_is_cut_out(put, tmp_path):
    put("long.wav", 2.0)
    manifest = put(
        "m.json",
        lines(
            {"audio_filepath": "long.wav", "offset": 0.5, "duration": 0.25, "text": "a"},
            {"audio_filepath": "long.wav", "offset": 1.0, "text": "b"},
            {"audio_filepath": "long.wav", "offset": 0.0, "duration": 2.0, "text": "c"},
        ),
    )
    items = fields(Nemo(path=manifest, cuts=tmp_path))
    assert [item["id"] for item in items] == ["long-500", "long-1000", "long-0"]
    assert [soundfile.info(item["audio"]).frames for item in items] == [250, 1000, 2000]


@pytest.mark.parametrize("row", [{"text": "x"}, {"audio_filepath": 3}, {"audio_filepath": "a.wav", "offset": "x"}])
def test_a_bad_line_of_nemo_is_told(put, row):
    put("a.wav", 1.0)
    assert len(problems(Nemo(path=put("m.json", lines(row))))) == 1


def recording(name="rec", source="rec.wav", kind="file"):
    return {"id": name, "sources": [{"type": kind, "channels": [0], "source": source}], "sampling_rate": 1000}


def supervision(name="s", start=0, duration=2.0, **told):
    return {"id": name, "recording_id": "rec", "start": start, "duration": duration, "channel": 0, **told}


def test_lhotse_cuts_carry_their_supervisions(put, tmp_path):
    audio = put("rec.wav", 2.0)
    said = [supervision("s1", text="One", speaker="a", language="en"), supervision("s2", text="two.", speaker="b")]
    cut = {"id": "c/1", "start": 0, "duration": 2.0, "channel": 0, "supervisions": said, "recording": recording()}
    part = {**cut, "id": "c2", "start": 0.5, "duration": 0.5, "supervisions": []}
    whole, short = fields(Lhotse(path=put("cuts.jsonl", lines(cut, part)), cuts=tmp_path))
    assert whole == {"id": "c-1", "audio": str(audio), "text": "One two.", "language": "en"}
    assert soundfile.info(short["audio"]).frames == 500


def test_lhotse_supervisions_find_their_recordings(put, tmp_path):
    audio = put("rec.wav", 2.0)
    known = put("recordings.jsonl", lines(recording()))
    listed = put("supervisions.jsonl", lines(supervision(text="Hi", speaker="a", gender="F")))
    source = Lhotse(path=listed, recordings=known)
    assert fields(source) == [{"id": "s", "audio": str(audio), "text": "Hi", "speaker": "a", "gender": "F"}]
    check_source(source)
    assert "name their manifest with `recordings`" in problems(Lhotse(path=listed))[0]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "m", "tracks": []}, "mix of tracks"),
        (
            {"id": "c", "start": 0, "duration": 1, "recording": recording(source="curl x", kind="command")},
            "but: command",
        ),
        ({"id": "c", "start": 0, "recording": recording()}, "as Lhotse writes them"),
        ({"id": "c", "recording": [1]}, "as Lhotse writes them"),
        ({}, "as Lhotse writes them"),
    ],
)
def test_what_lhotse_may_say_and_is_not_read_is_told(put, row, words):
    put("rec.wav", 2.0)
    assert words in problems(Lhotse(path=put("cuts.jsonl", lines(row))))[0]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_hugging_face_folder_gives_audio_and_text(put, tmp_path, kind):
    audio, voice = put("set/test/clips/1.wav", 0.1), put("set/test/p.wav", 0.1)
    row = {"file_name": "clips/1.wav", "voice_file_name": "p.wav", "transcription": "Hi, you.", "speaker": "s"}
    table = pa.table({name: [value] for name, value in row.items()})
    if kind == "parquet":
        pq.write_table(table, tmp_path / "set/test/metadata.parquet")
    else:
        content = {"csv": f'{",".join(row)}\nclips/1.wav,p.wav,"Hi, you.",s\n', "jsonl": lines(row)}[kind]
        put(f"set/test/metadata.{kind}", content)
    told = {"id": "test-clips-1", "audio": str(audio), "voice": str(voice), "text": "Hi, you.", "speaker": "s"}
    assert fields(HuggingFaceFolder(path=tmp_path / "set")) == [told]
    check_source(HuggingFaceFolder(path=tmp_path / "set"))


def test_a_hugging_face_folder_names_what_does_not_match(put, tmp_path):
    put("set/other.wav", 0.1)
    put("set/metadata.csv", "file_name,text\ngone.wav,x\n")
    assert problems(HuggingFaceFolder(path=tmp_path / "set")) == [
        f"no such file: {tmp_path / 'set/gone.wav'}",
        f"{tmp_path / 'set/other.wav'} has no row of metadata",
        "1 of 2 rows name audio files that are not there",
    ]


def test_metadata_without_file_names_are_told(put, tmp_path):
    table = put("set/metadata.csv", "name,text\na.wav,x\n")
    assert problems(HuggingFaceFolder(path=tmp_path / "set")) == [f"{table}:2: no column 'file_name'"]
    with pytest.raises(JobError, match=r"none of metadata\.csv"):
        list(HuggingFaceFolder(path=put("empty/x", "").parent).rows())


def test_audio_inside_parquet_becomes_files(put, tmp_path):
    sound = put("a.wav", 0.1).read_bytes()
    audio = pa.array([{"bytes": sound, "path": "clips/a.wav"}, {"bytes": sound, "path": None}])
    (tmp_path / "data").mkdir()
    (tmp_path / "out").mkdir()
    pq.write_table(pa.table({"audio": audio, "sentence": ["Hi", "Ho"]}), tmp_path / "data" / "0.parquet")
    source = HuggingFaceParquet(path=tmp_path / "data", files=tmp_path / "out")
    first, second = fields(source)
    assert (first["id"], first["text"], second["id"]) == ("a", "Hi", "000002")
    assert Path(first["audio"]).read_bytes() == sound
    assert Path(first["audio"]).suffix == ".wav"
    check_source(source)
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_audio_that_parquet_only_names_is_told(put, tmp_path):
    audio = pa.array([{"bytes": None, "path": "a.wav"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({"audio": audio}), tmp_path / "x.parquet")
    found = problems(HuggingFaceParquet(path=tmp_path / "x.parquet", files=tmp_path))
    assert found == ["column 'audio' names the file 'a.wav' and does not hold it"]


def test_a_folder_without_parquet_and_a_broken_file_are_errors(put, tmp_path):
    with pytest.raises(JobError, match="no rows of Parquet files"):
        list(HuggingFaceParquet(path=put("none/x", "").parent, files=tmp_path).rows())
    with pytest.raises(JobError, match="cannot read on"):
        list(HuggingFaceParquet(path=put("bad.parquet", "x"), files=tmp_path).rows())
