"""The page of a tape in a real Chromium, spoken to through its DevTools pipe: clicked, typed at, no complaint."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad.layers import Add, Dense, Embedding, Flatten

pytestmark = pytest.mark.slow  # starts a browser
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = """--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync
    --disable-component-update --disable-dev-shm-usage --remote-debugging-pipe --window-size=1400,900""".split()
SECONDS = 120  # that anything may take, on a busy machine


class Browser:
    """Chromium and one page in it. Both sides send JSON through pipes, with a NUL after each message."""

    def __init__(self, folder):
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        def as_it_expects():  # its commands come at 3, its answers go to 4
            first, second = os.dup(to_browser), os.dup(from_browser)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={folder}"],
            preexec_fn=as_it_expects, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.session, self.complaints, self.asked = b"", 0, None, [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != self.number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def receive(self):
        end = time.monotonic() + SECONDS
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read_end], [], [], max(0, end - time.monotonic()))
            assert ready, "the browser says nothing"
            self.buffer += os.read(self.read_end, 1 << 16)
        text, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(text)
        if message.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.complaints.append(message["params"])
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(message["params"]["request"]["url"])
        return message

    def open(self, path):
        self.complaints, self.asked = [], []
        self.call("Page.navigate", url=f"file://{path}")
        while self.run("document.readyState") != "complete" or self.run("location.protocol") != "file:":
            time.sleep(0.02)

    def run(self, expression):
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def text(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)}).textContent")

    def texts(self, selector):
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((x) => x.textContent)")

    def over(self, selector, contains=""):
        """Bring the mouse over the middle of the first such element."""
        x, y = self.run(
            f"(() => {{ const found = [...document.querySelectorAll({json.dumps(selector)})].find("
            f"(x) => x.textContent.includes({json.dumps(contains)})); found.scrollIntoView({{block: 'center'}}); "
            "const r = found.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        return x, y

    def click(self, selector, contains=""):
        x, y = self.over(selector, contains)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key, text=""):
        codes = {"ArrowLeft": 37, "ArrowRight": 39, "ArrowUp": 38, "ArrowDown": 40, "Home": 36, "End": 35, "Enter": 13,
                 "Escape": 27, "Tab": 9}  # fmt: skip
        told = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, 0)} | ({"text": text} if text else {})
        self.call("Input.dispatchKeyEvent", type="keyDown", **told)
        self.call("Input.dispatchKeyEvent", type="keyUp", **told)

    def type(self, text):
        for letter in text:
            self.press(letter, letter)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    assert CHROMIUM, "these tests need chromium: apt-get install chromium"
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "step.html"
    rng = np.random.default_rng(0)
    model_of("hidden").view(rng.integers(0, 13, (4, 6)), rng.normal(size=(4, 1))).save(path)
    return path


def model_of(name):
    mg.utils.set_random_seed(1)
    x = mg.Input((6,))
    h = Dense(4, activation="relu", name=name)(Flatten()(Embedding(13, 3, name="month")(x)))
    model = mg.Model(x, Dense(1, name="out")(Add()([h, Dense(4, name="other")(h)])))
    model.compile("adam", "mse", jit_compile=False)
    return model


@pytest.fixture
def opened(browser, page):
    """The page, freshly opened; afterwards, what the browser complained of and asked for."""
    browser.open(f"{page}?{time.monotonic_ns()}")
    yield browser
    assert browser.complaints == []
    assert [url for url in browser.asked if not url.startswith("file:")] == []


def now(browser):
    return int(browser.text(".step.now .number"))


def test_it_opens_at_the_first_step(opened):
    assert now(opened) == 0
    assert opened.text("#detail b") == "ids_of"
    assert opened.texts(".layer .name") == ["month", "flatten_1", "hidden", "other", "add_1", "out", "loss"]
    assert len(opened.texts("#lines .of")) > 20
    assert opened.run("document.title") == "model, one step"


def test_the_arrow_keys_walk_forward_and_back(opened):
    for key, where in [("ArrowRight", 1), ("ArrowDown", 2), ("ArrowLeft", 1), ("Home", 0), ("ArrowLeft", 0)]:
        opened.press(key)
        assert now(opened) == where
    opened.press("End")
    assert opened.text("#detail b") == "assign"
    assert opened.run("document.getElementById('on').disabled")
    assert opened.run("innerHeight - document.querySelector('.step.now').getBoundingClientRect().bottom") > -1
    opened.press("ArrowLeft")
    assert opened.text("#detail .badge") == "update"


def test_every_step_of_the_tape_can_be_walked_to(opened):
    steps = len(opened.texts(".step"))
    seen = [opened.text("#detail b")]
    for _ in range(steps - 1):
        opened.press("ArrowRight")
        seen.append(opened.text("#detail b"))
    assert seen == opened.texts(".step .op")


def test_a_click_on_a_layer_shows_its_steps_its_lines_and_its_gradients(opened):
    opened.click(".layer", "hidden")
    assert set(opened.texts(".step:not(.update) .in")) == {"hidden"}
    assert set(opened.texts(".step.update .in")) == {"hidden/kernel", "hidden/bias"}
    lines = opened.texts("#lines .here")
    assert lines
    assert all("# hidden" in line for line in lines)
    assert any("grad_hidden_kernel" in line for line in lines)
    assert "gradient of kernel" in opened.text(".weights")
    assert opened.texts(".ops:not([hidden]) .name") == ["matmul", "add", "relu"]
    opened.press("End")
    assert opened.text("#detail .head .link") == "hidden/bias"
    opened.press("Escape")
    assert len(set(opened.texts(".step:not(.update) .in"))) == 7


def test_the_program_scrolls_to_the_part_that_the_step_is_of(opened):
    def in_sight(text):
        return opened.run(
            f"(() => {{ const line = [...document.querySelectorAll('#lines div')].find((x) => "
            f"x.textContent.includes({json.dumps(text)})).getBoundingClientRect(), box = "
            "document.getElementById('program').getBoundingClientRect(); "
            "return box.top <= line.top && line.bottom <= box.bottom; })()"
        )

    opened.click(".step.forward", "relu")
    assert in_sight("out=hidden_relu)")
    opened.click(".step.backward", "relu")
    assert in_sight("out=grad_hidden_add)")
    opened.press("End")
    assert in_sight("# update")


def test_a_click_on_a_line_of_the_program_chooses_its_layer(opened):
    opened.click("#lines .of", "np.add(hidden_matmul, hidden_bias")
    assert opened.texts(".layer.chosen .name") == ["hidden"]


def test_a_click_on_an_op_goes_to_its_step_and_a_link_to_the_way_back(opened):
    opened.click(".layer", "hidden")
    opened.click(".ops:not([hidden]) .op", "relu")
    assert (opened.text("#detail b"), opened.text("#detail .badge")) == ("relu", "forward")
    opened.click("#detail h3 .link")
    assert (opened.text("#detail b"), opened.text("#detail .badge")) == ("relu", "backward")
    assert opened.text("#detail .rule") == "g * (out > 0)"
    assert {"g", "local derivative", "gradient sent"} <= set(opened.texts("#detail .what"))
    opened.click("#detail .value .link", "what made it")
    assert (opened.text("#detail b"), opened.text("#detail .badge")) == ("add", "forward")


def test_search_narrows_the_list_and_enter_goes_on(opened):
    opened.press("/", "/")
    opened.type("matmul Other")
    assert set(opened.texts(".step .op")) == {"matmul"}
    assert set(opened.texts(".step .in")) == {"other"}
    count = len(opened.texts(".step"))
    opened.press("Enter")
    assert opened.text("#detail b") == "matmul"
    assert opened.text("#place").endswith(f"of {count}")
    opened.type("zzz")
    assert opened.text("#list") == "No step matches."
    opened.press("Enter")
    opened.press("Escape")
    assert len(opened.texts(".step")) > count


def test_hovering_tells_values(opened):
    opened.over(".cells span")
    assert not opened.run("document.getElementById('tip').hidden")
    assert re.fullmatch(r"\[\d+, \d+\] = \d+", opened.text("#tip"))
    opened.over("h1")
    assert opened.run("document.getElementById('tip').hidden")


def test_the_keyboard_alone_reaches_layers_and_chooses_them(opened):
    for _ in range(40):
        opened.press("Tab")
        if opened.run("document.activeElement.matches('.layer')"):
            break
    opened.press("Enter", "\r")
    assert opened.texts(".layer.chosen .name") == ["month"]


def test_light_and_dark(opened):
    def ground():
        return opened.run("getComputedStyle(document.body).backgroundColor")

    grounds = {}
    for scheme in ("light", "dark"):
        opened.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        grounds[scheme] = ground()
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}
    opened.click("#theme")
    assert ground() == grounds["light"]
    opened.click("#theme")
    assert ground() == grounds["dark"]


def test_a_number_in_the_address_opens_that_step(browser, page):
    browser.open(f"{page}?{time.monotonic_ns()}#7")
    assert now(browser) == 7
    for wrong in ("#99999", "#-1", "#x", "#1.5"):
        browser.open(f"{page}?{time.monotonic_ns()}{wrong}")
        assert now(browser) == 0
    assert browser.complaints == []


@pytest.mark.parametrize(
    "name", ["<\\script><script>window.hit=1<\\script>", '"><img src=x onerror=window.hit=1>', "<!--<script>"]
)
def test_hostile_names_are_text(browser, tmp_path, name):
    path = tmp_path / "step.html"
    model_of(name).view(np.zeros((2, 6), int), np.ones((2, 1))).save(path)
    browser.open(path)
    browser.click(".layer", name[:12])
    assert browser.texts(".layer.chosen title") == [f"{name}\n(2, 4)"]
    assert name in browser.texts(".step .in")
    assert browser.run("window.hit") is None
    assert browser.run("document.querySelectorAll('main img, main script, main a').length") == 0
    assert browser.complaints == []


def test_tapes_of_plain_code_and_empty_ones_open(browser, tmp_path):
    x = mg.Tensor([1.0, np.nan], requires_grad=True)
    with mg.record() as tape:
        (np.tanh(x) * x).sum().backward()
    with mg.record() as empty:
        pass
    tape.save(tmp_path / "tape.html")
    empty.save(tmp_path / "empty.html")
    browser.open(tmp_path / "tape.html")
    assert browser.texts(".layer .name") == ["your code"]
    assert "1 not finite" in browser.text("#detail")
    assert browser.run("document.getElementById('program').hidden")
    browser.open(tmp_path / "empty.html")
    assert "The tape is empty" in browser.text("#detail")
    for key in ("ArrowRight", "End", "Escape"):
        browser.press(key)
    assert browser.complaints == []


def test_in_a_frame_of_a_notebook_it_works_too(browser, tmp_path):
    with mg.record() as tape:
        mg.Tensor([1.0]) * 2
    (tmp_path / "notebook.html").write_text(f"<!DOCTYPE html><title>n</title>{tape.html()}")
    browser.open(tmp_path / "notebook.html")
    time.sleep(0.5)
    assert browser.complaints == []
