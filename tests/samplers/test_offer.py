import subprocess
import sys

from valle_engine.registry import Offer, Registry
from valle_plugins.samplers import samplers


def registry():
    return Registry.collect("sampler", [Offer(part, "valle-engine", "0") for part in samplers()])


def test_the_names_a_job_may_use():
    plain = {"ban", "dry", "entropix", "greedy", "mirostat", "temperature", "typical"}
    of_two_words = {
        "dynamic-temperature",
        "length-penalty",
        "repetition-penalty",
        "top-k",
        "top-p",
        "min-p",
        "top-n-sigma",
    }
    assert set(registry().names()) == plain | of_two_words


def test_one_value_stands_for_the_main_option():
    values = {"top-p": 0.9, "top-k": 7, "min-p": 0.1, "temperature": 0.8, "repetition-penalty": 1.3, "mirostat": 4.0}
    built = {name: registry().build(name, value) for name, value in values.items()}
    assert {name: next(iter(part.model_dump().values())) for name, part in built.items()} == values


def test_every_option_says_what_it_is():
    fields = [field for part in samplers() for field in part.model_fields.values()]
    assert all(field.description for field in fields)


def test_listing_the_samplers_loads_no_torch():
    code = "import sys, valle_plugins.samplers as s; s.samplers(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
