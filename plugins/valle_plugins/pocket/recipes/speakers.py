"""Train a speaker encoder to tell synthetic speakers apart: ECAPA-TDNN (Desplanques et al. 2020, arXiv:2005.07143).

Network, loss and file layout are SpeechBrain's, so `EncoderClassifier.from_hparams(source=FOLDER)` opens the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from speechbrain.lobes.features import Fbank
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN, Classifier
from speechbrain.nnet.losses import AdditiveAngularMargin, LogSoftmaxWrapper
from speechbrain.processing.features import InputNormalization
from torch import Tensor, nn
from torchaudio.functional import resample

from valle_engine.errors import JobError
from valle_plugins.pocket import files
from valle_plugins.pocket.features import RATE
from valle_plugins.pocket.recipes.bank import Bank, mixed
from valle_plugins.pocket.recipes.loop import Plan, Training
from valle_plugins.pocket.recipes.material import NOISES, TRAIN, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MELS = 60
SIZES: Mapping[str, Any] = {
    "input_size": MELS,
    "channels": [128, 128, 128, 128, 384],
    "kernel_sizes": [5, 3, 3, 3, 1],
    "dilations": [1, 2, 3, 4, 1],
    "attention_channels": 64,
    "se_channels": 64,
    "lin_neurons": 128,
}
NORM: Mapping[str, Any] = {"norm_type": "sentence", "std_norm": False}
_LINES = "\n".join(f"  {name}: {value}" for name, value in SIZES.items())
HYPERPARAMETERS = f"""\
# Speaker encoder of pocket, learnt from synthetic voices alone.
sample_rate: 16000
n_mels: {MELS}
compute_features: !new:speechbrain.lobes.features.Fbank
  n_mels: !ref <n_mels>
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
  norm_type: {NORM["norm_type"]}
  std_norm: {NORM["std_norm"]}
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
{_LINES}
classifier: !new:torch.nn.Identity
modules:
  compute_features: !ref <compute_features>
  mean_var_norm: !ref <mean_var_norm>
  embedding_model: !ref <embedding_model>
  classifier: !ref <classifier>
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
  loadables:
    embedding_model: !ref <embedding_model>
"""
"""What SpeechBrain's own loader needs beside the weights; it is written here and never read."""
EMBEDDING = SIZES["lin_neurons"]
HEARD_RATE = 16000
BATCH = 32
SECONDS = 1.6
NOISY = 0.3
MARGIN, SCALE = 0.05, 30  # of the angular softmax (Deng et al. 2019, arXiv:1801.07698)


def train(material: Path, plan: Plan) -> None:
    """Train to the plan's end; the encoder lies in its folder under `speaker` after each checkpoint.

    Raises `JobError` for material whose speakers are not told.
    """
    torch.manual_seed(plan.seed)
    speech, unseen = Bank(material / TRAIN), Bank(material / VALIDATION)
    network = SpeakerNetwork(len(speakers_of(speech)))

    def finish() -> Mapping[str, float]:
        save_speaker_encoder(network, plan.folder / files.SPEAKER)
        return {"identified": identified(network, unseen)}

    Training(network, plan).run(SpeakerLoss(network, speech, Bank(material / NOISES), plan.seed), finish)


class SpeakerNetwork(nn.Module):
    """Samples at 24 kHz to an embedding, and to a score for each speaker of the training."""

    def __init__(self, speakers: int) -> None:
        super().__init__()
        self.features = Fbank(n_mels=MELS)
        self.norm = InputNormalization(**NORM)
        self.encoder = ECAPA_TDNN(**SIZES)
        self.classifier = Classifier(EMBEDDING, out_neurons=speakers)

    def embed(self, samples: Tensor) -> Tensor:
        """Samples (batch, n) to embeddings (batch, 1, 128)."""
        whole = torch.ones(len(samples))
        features = self.features(resample(samples, RATE, HEARD_RATE))
        embeddings: Tensor = self.encoder(self.norm(features, whole), whole)
        return embeddings

    def forward(self, samples: Tensor) -> Tensor:
        """Samples (batch, n) to cosines (batch, 1, speakers)."""
        cosines: Tensor = self.classifier(self.embed(samples))
        return cosines


class SpeakerLoss:
    """The margin by which the right speaker must win, over pieces of clean and noisy utterances."""

    def __init__(self, network: SpeakerNetwork, speech: Bank, noises: Bank, seed: int) -> None:
        self._network = network
        self._speech, self._noises = speech, noises
        self._seed = seed
        names = speakers_of(speech)
        self._owners = [names.index(entry.speaker) for entry in speech.entries]
        self._loss = LogSoftmaxWrapper(AdditiveAngularMargin(MARGIN, SCALE))

    def __call__(self, step: int) -> Mapping[str, Tensor]:
        """The loss of one batch, which is a function of the seed and the step."""
        rng = np.random.default_rng([self._seed, step])
        picked = rng.integers(len(self._speech), size=BATCH)
        samples = torch.from_numpy(np.stack([self._heard(rng, int(index)) for index in picked]))
        owners = torch.tensor([[self._owners[index]] for index in picked])
        return {"margin": self._loss(self._network(samples), owners)}

    def _heard(self, rng: np.random.Generator, index: int) -> np.ndarray:
        length = int(SECONDS * RATE)
        samples = self._speech.piece(rng, index, length)
        if rng.random() < NOISY:
            samples = mixed(samples, self._noises.crop(rng, length), rng.uniform(5.0, 25.0))
        return (samples * rng.uniform(0.3, 1.3)).astype(np.float32)


def speakers_of(speech: Bank) -> list[str]:
    """Every speaker of a bank once. Raises `JobError` where there are not two."""
    names = sorted({entry.speaker for entry in speech.entries})
    if len(names) < 2:
        raise JobError("the material tells no speakers apart: give its source a column `speaker`")
    return names


@torch.no_grad()
def identified(network: SpeakerNetwork, speech: Bank, among: int = 20) -> float:
    """How often an utterance is nearer to another of its speaker than to one of each of 19 others."""
    network.eval()
    embeddings = torch.stack(
        [network.embed(torch.from_numpy(speech.samples(each))[None])[0, 0] for each in range(len(speech))]
    )
    unit = nn.functional.normalize(embeddings, dim=1)
    likeness = (unit @ unit.T).numpy()
    spoken = {
        name: [place for place, entry in enumerate(speech.entries) if entry.speaker == name]
        for name in speakers_of(speech)
    }
    rng = np.random.default_rng(0)
    right = 0
    for place, entry in enumerate(speech.entries):
        own = [each for each in spoken[entry.speaker] if each != place]
        others = rng.permutation([name for name in spoken if name != entry.speaker])[: among - 1]
        rivals = [rng.choice(spoken[name]) for name in others]
        right += likeness[place, rng.choice(own)] > likeness[place, rivals].max()
    return right / len(speech)


def save_speaker_encoder(network: SpeakerNetwork, folder: Path) -> None:
    """Write the folder that SpeechBrain opens, in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hyperparams.yaml").write_text(HYPERPARAMETERS, encoding="utf-8")
    halves = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in network.encoder.state_dict().items()
    }
    torch.save(halves, folder / "embedding_model.ckpt")
