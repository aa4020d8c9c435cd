"""A voice by its name: the recordings a model brings."""

import json
from pathlib import Path
from typing import ClassVar

import pytest

from valle_engine.job.items import checked_items
from valle_engine.job.loading import load_job
from valle_engine.parts import Model


@pytest.fixture
def boxed(tmp_path, plugins_with):
    """A folder of recordings, and the plugins with a model whose voices they are."""
    folder = tmp_path / "box"
    folder.mkdir()
    for name in ("alba", "bruno"):
        (folder / f"{name}.flac").write_bytes(name.encode())

    class Boxed(Model):
        name: ClassVar[str] = "pocket"
        codec: ClassVar[str] = "vocos"
        voice: ClassVar[str | None] = "alba"
        options: ClassVar = {"tts": {"max_seconds": 7.0}}
        sampling: ClassVar = {"tts": {"temperature": 0.7}}

        def weights(self):
            return write_model(folder / "model.sft")

        def voices(self):
            return {path.stem: path for path in folder.glob("*.flac")}

    return folder, plugins_with(models=[Boxed])


def write_model(path: Path) -> Path:
    table = json.dumps({"__metadata__": {"config": '{"version": 5}'}, "a": {"data_offsets": [0, 8]}}).encode()
    path.write_bytes(len(table).to_bytes(8, "little") + table + bytes(8))
    return path


@pytest.fixture
def voices(boxed, write):
    """The voice of each item of a job with the boxed model, or what is wrong with it."""

    def voices(items, **more):
        job = {"name": "a", "task": "tts", "model": "pocket", "items": items, **more}
        loaded = load_job(write(json.dumps(job)), boxed[1])
        found = list(checked_items(loaded.manifest))
        return [getattr(getattr(each, "item", None), "voice", each) for each in found]

    return voices


def test_a_name_stands_for_a_recording_and_none_for_the_model_s_own(voices, boxed):
    items = [
        {"id": str(n), "text": "b", **voice}
        for n, voice in enumerate([{}, {"voice": "bruno"}, {"voice": "pocket/bruno"}])
    ]
    folder = boxed[0]
    assert voices(items) == [folder / "alba.flac", folder / "bruno.flac", folder / "bruno.flac"]


def test_files_go_on_to_be_files(voices, tmp_path):
    for name in ("mine.wav", "bruno"):
        (tmp_path / name).write_bytes(b"x")
    items = [{"id": "a", "text": "b", "voice": "mine.wav"}, {"id": "b", "text": "b", "voice": "./bruno"}]
    assert voices(items) == [tmp_path / "mine.wav", tmp_path / "bruno"]


def test_a_default_may_name_a_voice(voices, boxed):
    assert voices([{"id": "a", "text": "b"}], defaults={"voice": "bruno"}) == [boxed[0] / "bruno.flac"]


def test_a_name_that_is_none_gets_a_hint(voices):
    [near, far] = voices([{"id": "a", "text": "b", "voice": "bruna"}, {"id": "b", "text": "b", "voice": "zoe"}])
    assert "pocket has no voice 'bruna': did you mean 'bruno'?" in str(near)
    assert "pocket has no voice 'zoe': there are alba, bruno" in str(far)


def test_a_root_confines_files_and_no_voices(voices, boxed, tmp_path):
    (tmp_path / "rows").mkdir()
    rows = [{"id": "a", "text": "b", "voice": "bruno"}, {"id": "b", "text": "b", "voice": "../job.yaml"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    [voice, outside] = voices({"kind": "jsonl", "path": "rows.jsonl", "root": "rows"})
    assert voice == boxed[0] / "bruno.flac"
    assert "leads out of the folder" in str(outside)


def test_a_model_s_options_and_samplers_hold_where_the_job_says_nothing(boxed, write):
    def loaded(**more):
        job = {"name": "a", "task": "tts", "model": "pocket", "items": [{"id": "a", "text": "b"}], **more}
        return load_job(write(json.dumps(job)), boxed[1])

    assert loaded().task.max_seconds == 7.0
    assert [(each.name, each.value) for each in loaded().samplers] == [("temperature", 0.7)]
    assert loaded(task={"name": "tts", "max_seconds": 3}).task.max_seconds == 3
    assert [each.name for each in loaded(sampling={"top-p": 0.5}).samplers] == ["top-p"]
    assert loaded(sampling={}).samplers == ()
    assert loaded(model=None).model is None


def test_a_task_that_needs_a_model_gets_the_one_in_the_box(boxed, write, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"x")
    job = {"name": "a", "task": "stt", "items": [{"id": "a", "audio": "a.wav"}]}
    assert load_job(write(json.dumps(job)), boxed[1]).model.spec.name == "pocket"
