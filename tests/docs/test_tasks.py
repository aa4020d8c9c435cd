"""The page on tasks names every task with the fields of its items, and every service of the kit."""

import inspect
import re

from tests.docs.generate import load_built_in
from tests.docs.pages import REPOSITORY
from valle_engine.kit import Kit

PAGE = (REPOSITORY / "docs" / "tasks.md").read_text()


def test_every_task_stands_there_with_the_fields_of_its_items():
    rows = re.findall(r"^\| `([\w-]+)` \| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    shown = {name: set(re.findall(r"\w+", fields)) for name, fields in rows}
    offers = load_built_in().tasks.offers
    assert shown == {name: set(offer.part.Item.model_fields) - {"id"} for name, offer in offers.items()}


def test_every_awaited_service_of_the_kit_stands_there():
    services = {name for name, member in inspect.getmembers(Kit, inspect.iscoroutinefunction) if name[0] != "_"}
    assert services <= set(re.findall(r"kit\.(\w+)", PAGE))
