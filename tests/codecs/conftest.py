"""Small random codecs in the released layouts, and the published packages holding the same weights."""

import warnings

import encodec
import numpy as np
import pytest
import torch
import vocos.feature_extractors
from encodec.modules import SEANetDecoder, SEANetEncoder
from encodec.quantization import ResidualVectorQuantizer
from vocos.heads import ISTFTHead
from vocos.models import VocosBackbone
from vocos.pretrained import Vocos

from valle_engine.codecs.encodec import EncodecNetworks, OpenEncodec
from valle_engine.codecs.random_weights import write_encodec, write_vocos
from valle_engine.codecs.vocos import OpenVocos, VocosNetworks
from valle_engine.records import Clip


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def encodec_file(tmp_path_factory):
    return write_encodec(tmp_path_factory.mktemp("encodec") / "encodec_24khz-d7cc33bc.th")


@pytest.fixture(scope="session")
def vocos_file(tmp_path_factory):
    return write_vocos(tmp_path_factory.mktemp("vocos") / "pytorch_model.bin")


@pytest.fixture(scope="session")
def encodec_codec(encodec_file):
    return OpenEncodec(EncodecNetworks.load(encodec_file, "cpu"))


@pytest.fixture(scope="session")
def vocos_codec(encodec_codec, vocos_file):
    return OpenVocos(encodec_codec, VocosNetworks.load(vocos_file, "cpu"))


@pytest.fixture(params=["encodec", "vocos"])
def codec(request):
    return request.getfixturevalue(f"{request.param}_codec")


@pytest.fixture(scope="session")
def published_encodec(encodec_file):
    """The `encodec` package's own model with the weights of the small file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it normalises weights in PyTorch's old way
        model = encodec.EncodecModel(
            SEANetEncoder(n_filters=2, dimension=8, causal=True),
            SEANetDecoder(n_filters=2, dimension=8, causal=True),
            ResidualVectorQuantizer(dimension=8, n_q=32, bins=1024),
            target_bandwidths=[1.5, 3.0, 6.0, 12.0, 24.0],
            sample_rate=24000,
            channels=1,
        )
    model.load_state_dict(torch.load(encodec_file, weights_only=True))
    model.set_target_bandwidth(6.0)
    return model.eval()


@pytest.fixture(scope="session")
def published_vocos(vocos_file, published_encodec):
    """The `vocos` package's own model with the weights of the small file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encodec.EncodecModel, "encodec_model_24khz", lambda pretrained: published_encodec)
        model = Vocos(
            vocos.feature_extractors.EncodecFeatures(),
            VocosBackbone(8, 16, 48, 8, adanorm_num_embeddings=4),
            ISTFTHead(16, n_fft=1280, hop_length=320, padding="same"),
        )
    state = torch.load(vocos_file, weights_only=True)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.startswith("feature_extractor.encodec.") for name in missing)
    return model.eval()


@pytest.fixture(scope="session")
def speech():
    """Something with the ups and downs of speech."""

    def make(samples, rate=24000, seed=0):
        time = np.arange(samples) / rate
        noise = np.random.default_rng(seed).normal(0, 0.1, samples)
        sound = np.sin(2 * np.pi * 5 * time) * (0.4 * np.sin(2 * np.pi * 180 * time) + noise)
        return Clip(sound.astype(np.float32), rate)

    return make


@pytest.fixture(scope="session")
def random_codes():
    """Codes of a given number of frames."""
    return lambda frames, codebooks=8, seed=0: np.random.default_rng(seed).integers(0, 1024, (frames, codebooks))
