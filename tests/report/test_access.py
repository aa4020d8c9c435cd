"""The report for everybody: by keyboard, on a phone, read out, in the dark, without motion."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.report.test_browser import IDS

pytestmark = pytest.mark.browser


def press(browser, *keys):
    chain = ActionChains(browser)
    for key in keys:
        chain.send_keys(key)
    chain.perform()


def focused(browser):
    return browser.switch_to.active_element


def test_the_keyboard_is_enough(browser, page):
    browser.open_page(page)
    press(browser, Keys.TAB)
    assert focused(browser).text == "Skip to the items"
    press(browser, Keys.ENTER)
    for _ in range(60):
        press(browser, Keys.TAB)
        if focused(browser).get_attribute("data-key") == "wer@0":
            break
    outline = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    press(browser, Keys.ENTER)
    press(browser, Keys.ENTER)
    assert focused(browser).get_attribute("data-key") == "wer@0"
    assert browser.texts(IDS)[0] == "line-000"
    for _ in range(20):
        press(browser, Keys.TAB)
        if focused(browser).get_attribute("class") == "more":
            break
    press(browser, Keys.SPACE)
    assert focused(browser).get_attribute("aria-expanded") == "true"
    assert len(browser.all(".items tr.details")) == 1
    press(browser, Keys.TAB, Keys.ENTER)
    assert focused(browser).tag_name == "audio"


def test_everything_that_can_be_operated_has_a_name(browser, page):
    browser.open_page(page)
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    told = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if "role" in node]
    operated = [
        (role, name) for role, name in told if role in {"button", "combobox", "searchbox", "spinbutton", "image"}
    ]
    assert len(operated) > 30
    assert [role for role, name in operated if not name.strip()] == []
    assert {"table", "row", "columnheader", "rowheader", "cell", "navigation", "main", "status"} <= {
        role for role, _ in told
    }


def test_a_phone_shows_it_without_scrolling_sideways(browser, page):
    size = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.open_page(page)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    cells = "Array.from(document.querySelectorAll('.items td'), (each) => each.getBoundingClientRect().right)"
    assert browser.execute_script(f"return Math.max(...{cells})") <= 360
    assert not browser.find_element("css selector", ".items thead").is_displayed()
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    assert {"table", "row", "rowheader", "cell"} <= {node["role"]["value"] for node in nodes if "role" in node}
    browser.execute_script(
        "const list = [...document.querySelectorAll('select')].find((each) => each.value === 'worst');"
        "list.value = 'id'; list.dispatchEvent(new Event('change'))"
    )
    assert browser.texts(IDS)[0] == "line-000"


CONTRASTS = """
const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
function ground(element) {
  for (let each = element; each; each = each.parentElement) {
    const found = numbers(getComputedStyle(each).backgroundColor);
    if (found.length < 4 || found[3] > 0.99) return found;
  }
  return [255, 255, 255];
}
const low = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.checkVisibility() || element.closest(":disabled, option, script, noscript, svg")) continue;
  const [a, b] = [light(numbers(getComputedStyle(element).color)), light(ground(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) low.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
}
return low;
"""


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_all_text_has_contrast(browser, page, colours):
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1."""
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": colours}]}
    )
    browser.open_page(page)
    browser.find_element("css selector", ".more").click()
    ground = browser.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (colours == "light")
    assert browser.execute_script(CONTRASTS) == []


def test_nothing_moves_by_itself(browser, page):
    browser.open_page(page)
    browser.find_element("xpath", "//button[.='Next']").click()
    assert browser.execute_script("return getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert browser.execute_script("return document.getAnimations().length") == 0
