"""`valle say` without a model, and what it refuses."""

import json

import pytest
import soundfile

from valle_engine.cli import main


def test_a_text_becomes_a_file(tmp_path, capsys):
    out = tmp_path / "new" / "hello.flac"
    command = ["say", "Hello there.", "--task", "espeak", "--voice", "+f3", "--out", str(out), "--set", "rate=200"]
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["seconds"] == pytest.approx(soundfile.info(out).duration)
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "hello.mp3"], "files end in .flac or .wav"),
        (["--out", "x.wav", "--task", "espek"], "did you mean 'espeak'"),
        (["--out", "x.wav", "--task", "espeak", "--set", "rate"], "OPTION=VALUE"),
        (["--out", "x.wav", "--task", "espeak", "--set", "rate=1000"], "less than or equal to 450"),
        (["--out", "x.wav", "--task", "espeak", "--language", "tlh-x"], "no voice"),
        (["--out", "x.wav", "--model", "./none.sft"], "there is no such file"),
    ],
)
def test_what_cannot_be_said_is_told_and_leaves_nothing(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(["say", "Hello", *arguments]) == 3
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
