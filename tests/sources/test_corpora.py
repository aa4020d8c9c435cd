"""Corpora to train on as sources: their layouts as published, every missing file named, what they lack known."""

import json
from pathlib import Path

import pytest

from valle_engine.errors import JobError
from valle_engine.testing import check_source
from valle_plugins.sources.audio_folder import AudioFolder
from valle_plugins.sources.emilia import Emilia
from valle_plugins.sources.librilight import LibriLight
from valle_plugins.sources.libritts import LibriTTS
from valle_plugins.sources.ljspeech import LJSpeech
from valle_plugins.sources.vctk import Vctk


def fields(source):
    """The rows' fields, of a source that keeps its contract and has no problems."""
    check_source(source)
    rows = list(source.rows())
    assert not [row.problem for row in rows if row.problem]
    return [dict(row.fields) for row in rows]


def problems(source):
    return [row.problem for row in source.rows() if row.problem]


def lines(*objects):
    return "".join(json.dumps(each) + "\n" for each in objects)


@pytest.fixture
def lj(put):
    put("lj/wavs/LJ001-0001.wav", 0.1)
    return put("lj/metadata.csv", 'LJ001-0001|In 1455, "print"|In fourteen fifty-five, "print"\n').parent


@pytest.mark.parametrize(
    ("kind", "text"), [("normalised", 'In fourteen fifty-five, "print"'), ("written", 'In 1455, "print"')]
)
def test_lj_speech_gives_the_text_in_words_or_as_written(lj, kind, text):
    [row] = fields(LJSpeech(path=lj, text=kind))
    audio = str(lj / "wavs/LJ001-0001.wav")
    assert row == {"id": "LJ001-0001", "audio": audio, "text": text, "speaker": "LJ", "language": "en"}


def test_corpora_in_the_form_of_lj_speech_may_have_two_columns(put, lj):
    put("lj/metadata.csv", "LJ001-0001|Guten Tag.\n")
    [row] = fields(LJSpeech(path=lj, speaker="eva", language="de"))
    assert (row["text"], row["speaker"], row["language"]) == ("Guten Tag.", "eva", "de")


def test_lj_speech_names_missing_files_and_bad_lines(put, lj):
    put("lj/metadata.csv", "LJ001-0001|A.|A.\nLJ001-0002|B.|B.\nno columns\n")
    rows = list(LJSpeech(path=lj).rows())
    assert [row.line for row in rows if row.problem] == [2, 3, 0]
    assert rows[1].problem.endswith("LJ001-0002.wav")
    assert rows[2].problem == "1 columns; a line has 3, or 2, parted by |"
    assert rows[3].problem == "1 of 3 rows name audio files that are not there"


def test_libritts_gives_text_speaker_chapter_and_subset(put):
    audio = put("LibriTTS/dev-clean/84/121/84_121_000_000.wav", 0.1)
    put("LibriTTS/dev-clean/84/121/84_121_000_000.normalized.txt", "Mister\nSmith.")
    put("LibriTTS/dev-clean/84/121/84_121_000_000.original.txt", "Mr. Smith.")
    put("LibriTTS/dev-clean/84/121/84_121.trans.tsv", "kept with the corpus")
    root = audio.parents[3]
    [row] = fields(LibriTTS(path=root))
    assert row["text"] == "Mister Smith."
    assert row == {**row, "id": "84_121_000_000", "audio": str(audio), "speaker": "84", "language": "en"}
    assert (row["chapter"], row["subset"]) == ("121", "dev-clean")
    assert fields(LibriTTS(path=root / "dev-clean", text="written"))[0]["text"] == "Mr. Smith."


def test_libritts_names_what_lacks_the_other_half(put):
    put("t/1/2/1_2_0_0.wav", 0.1)
    text = put("t/1/2/1_2_0_1.normalized.txt", "Text.")
    source = LibriTTS(path=text.parents[2])
    assert [problem.split("/")[-1] for problem in problems(source)] == [
        "1_2_0_0.wav has no text: there is no 1_2_0_0.normalized.txt",
        "1_2_0_1.wav",
        "1 of 2 rows name audio files that are not there",
    ]


@pytest.mark.parametrize("source", [LibriTTS, Emilia, Vctk, LibriLight])
def test_a_folder_without_a_corpus_is_an_error(source, tmp_path):
    with pytest.raises(JobError, match=r"no (files|transcripts)"):
        list(source(path=tmp_path).rows())


def test_a_text_that_is_none_is_told(put):
    put("t/1/2/1_2_0_0.wav", 0.1)
    text = put("t/1/2/1_2_0_0.normalized.txt", b"\xff\xfe")
    assert "cannot be read as text" in problems(LibriTTS(path=text.parents[2]))[0]


@pytest.mark.parametrize("microphone", ["mic1", "mic2"])
def test_vctk_of_today_has_two_microphones(put, microphone):
    put("vctk/txt/p225/p225_001.txt", "Please call Stella.\n")
    audio = put(f"vctk/wav48_silence_trimmed/p225/p225_001_{microphone}.flac", 0.1)
    [row] = fields(Vctk(path=audio.parents[2], microphone=microphone))
    told = {"text": "Please call Stella.", "speaker": "p225", "language": "en"}
    assert row == {"id": "p225_001", "audio": str(audio), **told}


def test_older_vctk_is_read_and_what_is_missing_named(put):
    put("vctk/txt/p225/p225_001.txt", "A.")
    put("vctk/txt/p225/p225_002.txt", "B.")
    audio = put("vctk/wav48/p225/p225_001.wav", 0.1)
    assert problems(Vctk(path=audio.parents[2]))[0].endswith("wav48/p225/p225_002.wav")


def test_what_vctk_itself_lacks_is_no_mistake(put):
    put("vctk/txt/p362/p362_001.txt", "Published without its recording.")
    put("vctk/txt/p225/p225_001.txt", "A.")
    put("vctk/wav48_silence_trimmed/p315/p315_001_mic1.flac", 0.1)
    audio = put("vctk/wav48_silence_trimmed/p225/p225_001_mic1.flac", 0.1)
    assert [row["id"] for row in fields(Vctk(path=audio.parents[2]))] == ["p225_001"]


def test_the_labelled_hours_of_libri_light_have_transcripts_beside_them(put):
    folder = "light/librispeech_finetuning/1h/0/clean/3526/175658"
    audio = put(f"{folder}/3526-175658-0000.flac", 0.1)
    put(f"{folder}/3526-175658.trans.txt", "3526-175658-0000 SHE SAID NO\n")
    [row] = fields(LibriLight(path=audio.parents[6]))
    assert row == {**row, "id": "3526-175658-0000", "audio": str(audio), "text": "SHE SAID NO", "speaker": "3526"}


def cut_of(number, start, source="download/librilight/small/100/sea/01.flac", **supervision):
    texts = {"custom": {"texts": [f"Line {number}, said.", f"LINE {number} SAID"]}}
    return {
        "id": f"small/100/sea/01_{number}",
        "start": start,
        "duration": 0.5,
        "supervisions": [{"speaker": "100", "language": "English", **texts, **supervision}],
        "recording": {"sources": [{"type": "file", "source": source}]},
    }


@pytest.fixture
def light(put, tmp_path):
    put("light/small/100/sea/01.flac", 2.0)
    (tmp_path / "cuts").mkdir()

    def light(*cuts):
        manifest = put("libriheavy_cuts_small.jsonl", lines(*cuts))
        return LibriLight(path=tmp_path / "light", transcripts=manifest, cuts=tmp_path / "cuts")

    return light


def test_libriheavy_s_transcripts_cut_libri_light_s_recordings(light):
    first, second = fields(light(cut_of(0, 0.0), cut_of(1, 1.0, text="Its own text.")))
    assert (first["text"], second["text"]) == ("Line 0, said.", "Its own text.")
    assert first == {**first, "id": "small-100-sea-01_0", "speaker": "100", "language": "en"}
    assert Path(first["audio"]).is_file()
    assert first["audio"] != second["audio"]


def test_a_manifest_of_something_else_and_missing_recordings_are_told(light):
    missing = cut_of(1, 0.0, source="download/librilight/small/100/sea/02.flac")
    told = problems(light({"id": "x"}, missing, cut_of(2, 1.8)))
    assert told[0] == "not a cut as Libriheavy writes them"
    assert told[1].endswith("light/small/100/sea/02.flac")
    assert "01.flac has 2.00 s" in told[2]


EMILIA = {
    "id": "EN_B00000_S00000_W000000",
    "wav": "EN_B00000/EN_B00000_S00000/mp3/EN_B00000_S00000_W000000.mp3",
    "text": " You can help.",
    "duration": 6.264,
    "speaker": "EN_B00000_S00000",
    "language": "en",
    "dnsmos": 3.2927,
}


def test_emilia_s_files_are_read_one_after_another(put):
    audio = put(f"emilia/EN/{EMILIA['wav']}".replace(".mp3", ".wav"), 0.1)
    audio.rename(audio.with_suffix(".mp3"))
    put("emilia/EN/EN_B00000.jsonl", lines(EMILIA))
    put("emilia/DE/DE_B00000.jsonl", lines({**EMILIA, "id": "DE_1", "wav": f"../EN/{EMILIA['wav']}", "language": "de"}))
    second, first = fields(Emilia(path=audio.parents[4]))
    carried = {"duration": 6.264, "dnsmos": 3.2927, "speaker": "EN_B00000_S00000", "language": "en"}
    named = str(audio.with_suffix(".mp3"))
    assert first == {"id": EMILIA["id"], "audio": named, "text": "You can help.", **carried}
    assert (second["id"], second["language"]) == ("DE_1", "de")
    assert [row["id"] for row in fields(Emilia(path=audio.parents[3] / "EN_B00000.jsonl"))] == [EMILIA["id"]]


def test_lines_that_are_none_of_emilia_s_are_told_with_their_place(put):
    path = put("emilia/EN/EN_B00000.jsonl", lines(EMILIA, {"id": "x", "wav": 7, "text": " "}) + "{\n")
    missing, wrong, broken, _ = problems(Emilia(path=path.parents[1]))
    assert missing.startswith("no such file: ")
    assert wrong == f"{path}:2: no text for wav, text, speaker, language: not a line of Emilia"
    assert broken.startswith(f"{path}:3: not valid JSON")


def test_a_folder_of_pairs_may_have_a_folder_for_each_speaker(put):
    audio = put("pairs/ann/one/1.wav", 0.1)
    put("pairs/ann/one/1.txt", "One.")
    folder = audio.parents[2]
    told = {"id": "ann-one-1", "audio": str(audio), "text": "One."}
    assert fields(AudioFolder(path=folder, speakers=True)) == [{**told, "speaker": "ann"}]
    assert fields(AudioFolder(path=folder)) == [told]
    put("pairs/2.wav", 0.1)
    assert problems(AudioFolder(path=folder, speakers=True)) == [f"{folder / '2.wav'} lies in no speaker's folder"]
