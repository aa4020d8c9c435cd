"""`valle data` makes a corpus of a job's examples, and says what is in it."""

import json
from collections import Counter

import numpy as np
import pytest
import soundfile
import yaml

from valle_engine.cli import main
from valle_engine.codecs.random_weights import write_encodec
from valle_engine.report.corpus import histogram
from valle_engine.training.shards import Shards

RATE = 24000


@pytest.fixture
def job(tmp_path):
    """Write a job over eight recordings of two speakers; the last one is too short."""
    write_encodec(tmp_path / "encodec.th")
    rows = []
    for number in range(8):
        samples = np.random.default_rng(number).normal(0, 0.1, 2400 if number == 7 else 15000 + 300 * number)
        soundfile.write(tmp_path / f"{number}.wav", samples, RATE)
        said = {"text": "Hello there.", "speaker": "ab"[number % 2], "split": "test" if number == 0 else None}
        rows.append({"id": f"u{number}", "audio": f"{number}.wav", **said})
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def job(**sections):
        items = {"kind": "jsonl", "path": "rows.jsonl"}
        whole = {"name": "corpus", "task": "prepare", "codec": {"name": "encodec", "weights": "encodec.th"}}
        layout = {"name": "shards", "validation": 0, "test": 0}
        output = {"products": [layout]}
        text = yaml.safe_dump({**whole, "items": items, "output": output, **sections})
        (tmp_path / "corpus.yaml").write_text(text)
        return tmp_path / "corpus.yaml"

    return job


@pytest.fixture
def valle(capsys):
    """The exit code, and what is said on both streams."""

    def valle(*arguments):
        code = main(list(map(str, arguments)))
        told = capsys.readouterr()
        return code, told.out, told.err

    return valle


def test_a_job_becomes_a_corpus(job, valle):
    path = job()
    code, told, said = valle("data", "prepare", path)
    assert code == 2
    assert "u7: ItemError: length: 0.10 s, not 0.5 to 20" in said
    lines = told.splitlines()
    assert lines[0].endswith("out/corpus/shards: 7 examples, 4.6 s, 2 speakers")
    assert lines[1] == "  codec encodec: 75 frames/s, 8 codebooks of 1024"
    assert [line.split()[:2] for line in lines[2:5]] == [["train", "6"], ["validation", "0"], ["test", "1"]]
    assert "  left out: 1 items: length 1" in lines
    assert Shards(path.parent / "out" / "corpus").examples == 6


def test_a_corpus_is_said_in_json(job, valle):
    path = job()
    _, told, _ = valle("data", "prepare", path, "--json")
    events = [json.loads(line) for line in told.splitlines()]
    assert [events[0]["event"], events[-2]["event"], events[-1]["event"]] == ["run_started", "run_finished", "corpus"]
    code, told, _ = valle("data", "stats", path.parent / "out" / "corpus", "--json")
    facts = json.loads(told)
    assert (code, facts) == (0, events[-1])
    assert (facts["examples"], facts["speakers"], facts["left_out"]) == (7, 2, {"length": 1})
    assert facts["hours"] == pytest.approx(111300 / RATE / 3600)
    assert facts["phonemes"]["ˈ"] == 14


def test_a_job_that_does_not_name_the_product_gets_it(job, valle):
    path = job(output={"products": ["jsonl"]})
    valle("data", "prepare", path, "--limit", 2)
    made = path.parent / "out" / "corpus"
    assert (made / "outcomes.jsonl").is_file()
    assert sum(Shards(made, split).examples for split in ("train", "validation", "test")) == 2


def test_what_is_prepared_is_not_prepared_again(job, valle):
    path = job()
    valle("data", "prepare", path)
    made = {each.name: each.read_bytes() for each in (path.parent / "out/corpus/shards").iterdir()}
    _, _, said = valle("data", "prepare", path)
    assert "8 already settled, 0 to do" in said
    assert {each.name: each.read_bytes() for each in (path.parent / "out/corpus/shards").iterdir()} == made


def test_another_codec_prepares_everything_again(job, valle):
    path = job()
    valle("data", "prepare", path)
    write_encodec(path.parent / "encodec.th", seed=1)
    _, told, _ = valle("why", path, "u1")
    assert "codec option weights changed" in told
    _, _, said = valle("data", "prepare", path)
    assert "8 to do" in said


def test_symbols_that_a_vocabulary_lacks_are_named(job, valle, tmp_path):
    path = job()
    vocabulary = {symbol: number for number, symbol in enumerate(["<unk>", "<bos>", "</eos>", "<mask>", *"hˈoʊðɛɹ. "])}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary, "merges": []}}))
    _, told, _ = valle("data", "prepare", path, "--vocabulary", tmp_path / "tokenizer.json")
    assert "tokenizer.json lacks 2: l (U+006C latin small letter l) 7, ə (U+0259 latin small letter schwa) 7" in told
    _, told, _ = valle(
        "data", "stats", path.parent / "out/corpus", "--vocabulary", tmp_path / "tokenizer.json", "--json"
    )
    assert json.loads(told)["missing"] == {"ə": 7, "l": 7}


def test_a_vocabulary_that_is_not_here_is_told(job, valle):
    path = job()
    valle("data", "prepare", path, "--limit", 1)
    code, _, said = valle("data", "stats", path.parent / "out/corpus", "--vocabulary", "no-such-model")
    assert code == 3
    assert "no-such-model" in said


def test_another_task_is_refused(job, valle):
    path = job(task="espeak", codec=None)
    code, _, said = valle("data", "prepare", path)
    assert code == 3
    assert "the task is 'espeak' (`task: prepare` prepares a corpus; `valle run` does any job)" in said


def test_a_folder_without_a_corpus_is_told(valle, tmp_path):
    code, _, said = valle("data", "stats", tmp_path)
    assert code == 3
    assert "holds no prepared corpus" in said


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"codec": None}, "task 'prepare' needs a codec (add `codec: ...`)"),
        ({"codec": "encodek"}, "no codec 'encodek' (did you mean 'encodec'?)"),
        ({"codec": {"name": "encodec", "weights": "./gone.th"}}, "no such file"),
        ({"codec": ["encodec"]}, "a codec is a name, or a mapping with `name` and options"),
        ({"task": "espeak"}, "task 'espeak' takes no codec beside the model's"),
    ],
    ids=["none", "unknown", "missing", "list", "unneeded"],
)
def test_what_is_wrong_with_the_codec_is_told_before_any_work(job, valle, sections, words):
    code, told, said = valle("check", job(**sections))
    assert code != 0
    assert words in told + said


def test_the_speech_of_a_model_in_the_box_is_what_phonemes_are_compared_with(job, valle, monkeypatch):
    monkeypatch.setenv("VALLE_POCKET", "/nowhere")
    path = job()
    _, told, _ = valle("data", "prepare", path, "--limit", 1)
    assert "pocket is not here to compare them with: name a vocabulary with --vocabulary" in told


def test_a_histogram_has_few_lines_and_counts_all():
    lines = list(histogram(Counter({0: 5, 13: 10, 29: 1})))
    assert [line.split()[:4] for line in (lines[0], lines[4], lines[-1])] == [
        ["0-3", "s", "5", "█" * 20],
        ["12-15", "s", "10", "█" * 40],
        ["27-30", "s", "1", "█" * 4],
    ]
    assert (len(lines), list(histogram(Counter()))) == (10, [])


def test_an_utterance_that_is_taken_out_of_the_manifest_is_gone(job, valle):
    path = job()
    valle("data", "prepare", path)
    rows = path.with_name("rows.jsonl").read_text().splitlines(keepends=True)
    path.with_name("rows.jsonl").write_text("".join(rows[:3]))
    valle("data", "prepare", path)
    examples = Shards(path.parent / "out/corpus").stream(0, 0)
    assert sorted(example.id for example in examples) == ["u1", "u2"]


def test_a_small_part_of_a_corpus_takes_nothing_from_the_whole(job, valle):
    path = job()
    valle("data", "prepare", path, "--limit", 3)
    valle("data", "prepare", path)
    valle("data", "prepare", path, "--limit", 2)
    _, told, said = valle("data", "prepare", path)
    assert "8 already settled, 0 to do" in said
    assert "7 examples" in told
