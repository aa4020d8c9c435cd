"""Speaker similarity by the embedders, against SpeechBrain's own verification and by vectors that are given."""

import pickle
import warnings

import numpy as np
import pytest
import torch

from valle_engine.errors import CheckpointError, ItemError
from valle_engine.parts import Take
from valle_engine.records import Outcome
from valle_engine.testing import check_scorer
from valle_plugins.scorers.similarity import SpeakerSimilarity

HYPERPARAMETERS = """
n_mels: 24
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: !ref <n_mels>
    channels: [16, 16, 16, 16, 48]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 8
    se_channels: 8
    lin_neurons: 12
    res2net_scale: 4
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with a small random ECAPA-TDNN as SpeechBrain keeps one."""
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN  # noqa: PLC0415 - loads torch

    folder = tmp_path_factory.mktemp("ecapa")
    (folder / "hyperparams.yaml").write_text(HYPERPARAMETERS)
    torch.manual_seed(5)
    network = ECAPA_TDNN(
        24, channels=[16, 16, 16, 16, 48], attention_channels=8, se_channels=8, lin_neurons=12, res2net_scale=4
    )
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    torch.save(network.state_dict(), folder / "embedding_model.ckpt")
    return folder


@pytest.fixture
def takes(sounding):
    random = np.random.default_rng(2)
    return [
        sounding(random.normal(0, 0.1, 16000 + 800 * number), random.normal(0, 0.1, 20000), name=f"take-{number}")
        for number in range(4)
    ]


def test_similarities_are_those_of_speechbrain(weights, takes, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from speechbrain.inference.speaker import SpeakerRecognition  # noqa: PLC0415 - loads torch

        theirs = SpeakerRecognition.from_hparams(source=str(weights), savedir=str(tmp_path / "saved"))
    theirs.mods.embedding_model.load_state_dict(torch.load(weights / "embedding_model.ckpt", weights_only=True))
    from valle_engine.audio import read_clip  # noqa: PLC0415 - beside its kin

    figures = SpeakerSimilarity(weights=str(weights)).score(takes)
    for take, figure in zip(takes, figures, strict=True):
        sides = [torch.from_numpy(read_clip(path).samples)[None] for path in (take.audio, take.fields["voice"])]
        score, _ = theirs.verify_batch(*sides)
        assert figure["speaker-similarity"] == pytest.approx(float(score), abs=1e-5)
    assert len({round(figure["speaker-similarity"], 4) for figure in figures}) > 1, "nothing is proven by equal scores"


def test_a_similarity_does_not_depend_on_the_company(weights, takes):
    check_scorer(SpeakerSimilarity(weights=str(weights)), takes)


def test_the_embedder_and_its_revision_are_told(weights):
    about = SpeakerSimilarity(weights=str(weights)).open("cpu").about
    assert about == {"embedder": "ecapa", "weights": str(weights), "revision": "local files"}


def test_a_voice_is_listened_to_once(weights, takes, monkeypatch):
    opened = SpeakerSimilarity(weights=str(weights)).open("cpu")
    opened.score(takes)
    embedded = []
    embed = opened._embedded
    monkeypatch.setattr(opened, "_embedded", lambda clips: embedded.append(len(clips)) or embed(clips))
    opened.score(takes)
    assert embedded == [4, 0]


def test_code_beside_the_weights_is_never_run(weights, takes, tmp_path):
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "embedding_model.ckpt").write_bytes((weights / "embedding_model.ckpt").read_bytes())
    canary = tmp_path / "canary"
    (folder / "hyperparams.yaml").write_text(f"x: !apply:pathlib.Path.touch\n    - !new:pathlib.Path [{canary}]\n")
    SpeakerSimilarity(weights=str(folder)).score(takes[:1])
    assert not canary.exists()


class _Evil:
    def __reduce__(self):
        return (open, ("/tmp/valle-canary", "w"))  # what a pickle would call


def test_weights_that_are_code_are_refused(takes, tmp_path):
    (tmp_path / "embedding_model.ckpt").write_bytes(pickle.dumps(_Evil()))
    with pytest.raises(CheckpointError, match="no weights that can be read"):
        SpeakerSimilarity(weights=str(tmp_path)).score(takes[:1])


def test_weights_of_something_else_are_told(takes, tmp_path):
    torch.save({"weight": torch.zeros(3)}, tmp_path / "embedding_model.ckpt")
    with pytest.raises(CheckpointError, match="no ECAPA-TDNN"):
        SpeakerSimilarity(weights=str(tmp_path)).score(takes[:1])


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="no folder"):
        SpeakerSimilarity(weights=str(tmp_path / "nowhere")).open("cpu")


@pytest.fixture
def given(tmp_path):
    """A scorer over vectors that are given."""
    np.savez(tmp_path / "outputs.npz", ids=np.array(["a", "b"]), vectors=np.array([[1.0, 0], [1, 1]]))
    np.savez(tmp_path / "voices.npz", ids=np.array(["x", "y"]), vectors=np.array([[2.0, 0], [0, -1]]))
    return SpeakerSimilarity(embeddings=tmp_path / "outputs.npz", references=tmp_path / "voices.npz")


def silent(item, voice):
    return Take({"voice": voice}, Outcome(item, "done", ""), None)


def test_given_vectors_are_compared_without_listening(given):
    figures = given.score([silent("a", "x"), silent("a", "y"), silent("b", "x"), silent("b", "y")])
    found = [figure["speaker-similarity"] for figure in figures]
    assert found == pytest.approx([1, 0, np.sqrt(0.5), -np.sqrt(0.5)])


def test_a_vector_that_is_missing_is_told(given):
    with pytest.raises(ItemError, match="no embedding of a voice 'z'"):
        given.score([silent("a", "z")])


def test_vectors_that_are_objects_are_refused(tmp_path):
    np.savez(tmp_path / "v.npz", ids=np.array([_Evil()], object), vectors=np.zeros((1, 2)))
    scorer = SpeakerSimilarity(embeddings=tmp_path / "v.npz", references=tmp_path / "v.npz")
    with pytest.raises(CheckpointError, match="does not hold"):
        scorer.open("cpu")


def test_wavlm_is_a_second_embedder(takes, tmp_path):
    from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMForXVector  # noqa: PLC0415 - an extra

    torch.manual_seed(0)
    config = WavLMConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_stride=(5, 4),
        conv_kernel=(10, 8),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        tdnn_dim=(16, 16),
        tdnn_kernel=(3, 1),
        tdnn_dilation=(1, 1),
        xvector_output_dim=8,
    )
    WavLMForXVector(config).eval().save_pretrained(tmp_path / "wavlm")
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "wavlm")
    scorer = SpeakerSimilarity(embedder="wavlm", weights=str(tmp_path / "wavlm"))
    check_scorer(scorer, takes[:2])
    assert scorer.open("cpu").about["embedder"] == "wavlm"


def test_an_output_is_as_near_to_several_recordings_as_to_each(takes, weights):
    opened = SpeakerSimilarity(weights=str(weights)).open("cpu")
    voices = [str(take.fields["voice"]) for take in takes]
    alone = [
        opened.score([Take({**takes[0].fields, "voice": voice}, takes[0].outcome, takes[0].audio)]) for voice in voices
    ]
    assert opened.nearness(takes[0], voices) == pytest.approx([each["speaker-similarity"] for [each] in alone])
