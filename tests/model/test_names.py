"""What a job calls a model, and where its weights then are."""

from pathlib import Path
from typing import ClassVar

import pytest

from valle_engine.errors import CheckpointError, PluginError
from valle_engine.model.config import ModelConfig
from valle_engine.model.names import codec_of, find_model, local_path
from valle_engine.modelspec import ModelSpec
from valle_engine.parts import HubFile, Model
from valle_engine.registry import Offer, Registry

FOLDER = Path("/nowhere")


class Released(Model):
    name: ClassVar[str] = "owner/released"
    codec: ClassVar[str] = "vocos"

    def weights(self):
        return HubFile("owner/released", "model.sft")


class Boxed(Model):
    name: ClassVar[str] = "boxed"
    codec: ClassVar[str] = "small"
    remedy: ClassVar[str] = "build it with `make`"

    def weights(self):
        return FOLDER / "boxed.sft"


MODELS = Registry.collect("model", [Offer(part, "package", "1") for part in (Released, Boxed)])


def test_a_name_is_no_path_until_something_lies_there(tmp_path):
    assert local_path("owner/released", tmp_path) is None
    assert local_path("./gone.sft", tmp_path) == tmp_path / "gone.sft"
    (tmp_path / "here.sft").touch()
    assert local_path("here.sft", tmp_path) == tmp_path / "here.sft"


def test_a_revision_may_stand_behind_a_name():
    assert find_model("owner/released", MODELS).weights == HubFile("owner/released", "model.sft", "main")
    assert find_model("owner/released@abc", MODELS).weights == HubFile("owner/released", "model.sft", "abc")


def test_what_comes_with_a_package_has_no_revisions():
    with pytest.raises(CheckpointError, match="comes with its package"):
        find_model("boxed@abc", MODELS)


def test_a_folder_of_the_same_name_hides_no_model_and_a_file_does(tmp_path):
    (tmp_path / "boxed").mkdir()
    assert find_model("boxed", MODELS, tmp_path).part == Boxed()
    (tmp_path / "boxed").rmdir()
    (tmp_path / "boxed").touch()
    assert find_model("boxed", MODELS, tmp_path).weights == tmp_path / "boxed"


def test_missing_weights_say_what_to_do():
    with pytest.raises(CheckpointError, match=r"'boxed' is not here.*/nowhere/boxed\.sft; build it with `make`"):
        find_model("boxed", MODELS).place()


def test_an_unknown_name_gets_a_hint_and_a_name_of_two_packages_an_error():
    with pytest.raises(CheckpointError, match="did you mean 'boxed'"):
        find_model("boxd", MODELS)

    class Other(Boxed):
        pass

    twice = Registry.collect("model", [Offer(Boxed, "one", "1"), Offer(Other, "two", "1")])
    with pytest.raises(PluginError, match="one and two"):
        find_model("boxed", twice)


@pytest.mark.parametrize(
    ("said", "part", "config", "codec"),
    [
        ({"codec": {"name": "a", "bits": 2}}, Boxed(), ModelConfig(codec="b"), {"name": "a", "bits": 2}),
        ({"codec": "a"}, Boxed(), None, {"name": "a"}),
        ({}, Boxed(), ModelConfig(codec="b"), {"name": "small"}),
        ({}, None, ModelConfig(codec="b"), {"name": "b"}),
        ({}, None, ModelConfig(), {"name": "vocos"}),
        ({}, None, None, {"name": "vocos"}),
    ],
)
def test_the_codec_is_the_job_s_or_the_model_s_or_that_of_the_releases(said, part, config, codec):
    assert codec_of(ModelSpec(name="m", **said), part, config) == codec
