"""The samplers the engine ships, offered through the public hook."""

from valle_engine import Sampler, hookimpl
from valle_plugins.samplers.ban import Ban
from valle_plugins.samplers.dry import Dry
from valle_plugins.samplers.dynamic_temperature import DynamicTemperature
from valle_plugins.samplers.entropix import Entropix
from valle_plugins.samplers.greedy import Greedy
from valle_plugins.samplers.length_penalty import LengthPenalty
from valle_plugins.samplers.min_p import MinP
from valle_plugins.samplers.mirostat import Mirostat
from valle_plugins.samplers.repetition_penalty import RepetitionPenalty
from valle_plugins.samplers.temperature import Temperature
from valle_plugins.samplers.top_k import TopK
from valle_plugins.samplers.top_n_sigma import TopNSigma
from valle_plugins.samplers.top_p import TopP
from valle_plugins.samplers.typical import Typical


@hookimpl
def samplers() -> list[type[Sampler]]:
    """Offer them."""
    return [
        Ban,
        Dry,
        DynamicTemperature,
        Entropix,
        Greedy,
        LengthPenalty,
        MinP,
        Mirostat,
        RepetitionPenalty,
        Temperature,
        TopK,
        TopNSigma,
        TopP,
        Typical,
    ]
