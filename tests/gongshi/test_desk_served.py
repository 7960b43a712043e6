"""The desk as it is served: behind its sign-in the sandbox phone over this home's own gateway, and every page in a
browser."""

from __future__ import annotations

import html
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from random import Random

import pytest
import structlog
from axe_playwright_python.sync_playwright import Axe
from entries import a_person, an_organisation
from flask.testing import FlaskClient
from homes import Home
from playwright.sync_api import Browser, Page, sync_playwright
from seats import PASSWORD, Seat
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from gongshi.channels import open_channels, read_providers
from gongshi.court import Court
from gongshi.desk import DeskApp, create_desk
from gongshi.gateway import create_gateway
from gongshi.notices import pump_notices
from gongshi.office import open_office
from gongshi.settings import BadSetting
from notifier.channels import ChatMessage
from notifier.channels.sandbox import PHONE_OPENID, list_sandbox_messages
from notifier.context import Notifier
from notifier.desk_line import GatewayLine, LineBroken
from notifier.outbox import Draft, enqueue, list_messages
from notifier.policy import Rules
from notifier.recipients import add_board, note_printing
from notifier.sending import Given, send_due
from notifier.sms.templates import fill
from notifier.sms.texts import get_newest
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest
from notifier.wechat.followers import FollowerBook

ABROAD = "+15005550009"
PLACE = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}


@dataclass
class Training:
    """A home for training with a published list, and its desk."""

    home: Home
    court: Court
    office: Notifier
    app: DeskApp
    name: str = "clerk"

    @cached_property
    def client(self) -> FlaskClient:
        """The browser of somebody who is signed in."""
        client = self.app.test_client()
        answer = Seat(client).sign_in(self.name)
        assert answer.status_code == 303, answer.text
        return client

    def get(self, address: str) -> str:
        answer = self.client.get(address, base_url="http://127.0.0.1")
        assert answer.status_code == 200, answer.text
        return html.unescape(answer.text)

    def touch(self, page: str, action: str, **fields: str) -> TestResponse:
        """Fill in the form on `page` that is sent to `action`."""
        form = re.search(rf'action="{re.escape(action)}".*?name="token" value="([^"]+)"', self.get(page), re.DOTALL)
        assert form is not None, f"no form for {action}"
        data = {"token": form[1], **fields}
        return self.client.post(action, data=data, headers=PLACE, base_url="http://127.0.0.1")

    def say(self, text: str) -> str:
        """Type on the phone; what it shows then."""
        answer = self.touch("/phone", "/phone/say", text=text)
        assert answer.status_code == 303, answer.text
        return self.get("/phone")

    def send(self, **draft: object) -> None:
        """Queue a message and send what is due."""
        digest = open_digest(self.office.engine)
        with Session(self.office.engine) as session, session.begin():
            made = Draft(purpose=Purpose.NOTICE, **draft)  # type: ignore[arg-type]
            enqueue(session, [made], now=self.court.now, digest=digest, random=Random(str(draft)))
        channels = open_channels(self.court, self.office)
        given = Given(rules=Rules(quiet=False), random=Random(2), store=self.court.store)
        send_due(self.office, channels, clock=self.court.world.now, worker="测试", given=given)

    def send_sms(self, key: str, number: str = ABROAD) -> None:
        template = get_newest("applicant_done")
        examples = {name: kind.example for name, kind in template.fields.items()}
        words = fill(template, examples, signature="测试法院", links=True)
        self.send(key=key, channel="sms", content=words, address=number, citizen=True)

    def send_chat(self, key: str) -> None:
        fields = {"court": "测试法院", "list": "全部名单", "period": "2026年第三季度", "total": "3", "added": "1"}
        words = ChatMessage(template="digest", version=1, fields=fields, url="https://court.example.invalid")
        self.send(key=key, channel="wechat", content=words, address=PHONE_OPENID)


def open_training(home: Home, *, training: bool = True) -> Training:
    court = home.court
    court.set_profile(replace(court.profile(), court="测试市人民法院", training=training), "reviewer")
    people = [a_person(n, name=f"扎西测试{n}") for n in (1, 2)]
    home.publish(*people, an_organisation(3))
    return Training(home=home, court=court, office=open_office(court), app=create_desk(court))


@pytest.fixture
def training(home: Home) -> Iterator[Training]:
    made = open_training(home)
    yield made
    made.court.close()


def bubbles(page: str) -> list[str]:
    """What stands on the phone, the oldest first."""
    found = re.findall(r'<div class="bubble[^"]*"><span[^>]*>[^<]*</span>(.*?)</div>', page, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", one) for one in found]


REAL = {
    "GONGSHI_WECHAT_APPID": "wx0123456789abcdef",
    "GONGSHI_WECHAT_SECRET": "0123456789abcdef",
    "GONGSHI_WECHAT_TOKEN": "token1",
    "GONGSHI_WECHAT_AES_KEY": "A" * 43,
    "GONGSHI_TWILIO_ACCOUNT_SID": f"AC{'0' * 32}",
    "GONGSHI_TWILIO_AUTH_TOKEN": "0" * 32,
    "GONGSHI_TWILIO_FROM": "+15005550006",
    "GONGSHI_GATEWAY_URL": "https://gateway.example.invalid",
}


def test_a_real_home_has_no_phone_whatever_accounts_it_has(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    real = open_training(home, training=False)
    for address in ("/phone", "/phone/sms"):
        assert real.client.get(address, base_url="http://127.0.0.1").status_code == 404
    assert "演练手机" not in real.get("/runs")
    assert "演练环境" not in real.get("/runs")
    real.court.close()


def test_a_home_in_training_has_a_phone_and_says_what_it_is(training: Training) -> None:
    assert "演练环境" in training.get("/runs")
    assert "已关注公众号" in training.get("/phone")


def test_what_is_typed_is_answered_by_the_gateway_out_of_the_list(training: Training) -> None:
    said, answer = bubbles(training.say("扎西测试1"))[-2:]
    assert said == "扎西测试1"
    assert "共 1 条" in answer
    assert "（2025）测0101执1号" in answer
    _, answer = bubbles(training.say("查无此人的名字"))[-2:]
    assert "没有查到" in answer
    _, answer = bubbles(training.say("]]></Content><Content><![CDATA[<b>"))[-2:]
    assert "没有查到" in answer
    assert "<b>" not in training.client.get("/phone", base_url="http://127.0.0.1").text


def test_the_menu_follows_and_answers(training: Training) -> None:
    training.touch("/phone", "/phone/press", button="statistics")
    training.home.clock.advance(seconds=1)
    training.touch("/phone", "/phone/press", button="follow")
    shown = bubbles(training.get("/phone"))
    assert "名单共 3 条" in shown[1]
    assert shown[2] == "〔菜单〕订阅简报"
    assert FollowerBook(training.office.engine).count_followers() == {"digest": 1}
    refused = training.touch("/phone", "/phone/press", button="nonsense")
    assert (refused.status_code, "没有这个按钮" in refused.text) == (400, True)


def test_whoever_types_too_fast_is_told_so(training: Training) -> None:
    pages = [training.say(f"第{n}次") for n in range(11)]
    assert "发得太快了" not in pages[-2]
    assert "发得太快了" in bubbles(pages[-1])[-1]


def test_leaving_the_account_erases_the_conversation_and_stops_what_is_sent(training: Training) -> None:
    training.say("扎西测试1")
    training.touch("/phone", "/phone/press", button="follow")
    training.send_chat("first")
    assert "2026年第三季度" in training.get("/phone")
    training.home.clock.advance(seconds=5)
    assert training.touch("/phone", "/phone/leave").status_code == 303
    page = training.get("/phone")
    assert "没有关注公众号" in page
    assert bubbles(page) == []
    assert FollowerBook(training.office.engine).count_followers() == {}
    sandbox = training.office.folder / "sandbox"
    assert list_sandbox_messages(sandbox) == []
    kept = "".join(path.read_text() for path in sandbox.rglob("*.json"))
    assert "扎西测试1" not in kept
    training.send_chat("second")
    assert list_sandbox_messages(sandbox) == []
    training.home.clock.advance(seconds=5)
    assert training.touch("/phone", "/phone/follow").status_code == 303
    (welcome,) = bubbles(training.get("/phone"))
    assert welcome.startswith("欢迎关注测试市人民法院")


def test_an_answer_to_an_sms_stops_what_follows_and_another_lets_it_go_on(training: Training) -> None:
    # Twilio itself knows the English word only; ours are known here.
    for typed, by_carrier in (("STOP", True), ("退订", False), ("td", False), ("R", False)):
        number = f"+1500555{ord(typed[0]) % 10_000:04d}"
        training.send_sms(f"first {typed}", number)
        thread = re.findall(r'href="(/phone/sms/[0-9a-f]{16})"', training.get("/phone/sms"))[0]
        assert number[1:] not in thread
        assert "【测试法院】" in bubbles(training.get(thread))[0]
        assert training.touch(thread, f"{thread}/reply", text=typed).status_code == 303
        page = training.get(thread)
        assert typed in bubbles(page)
        assert "法院不再向该号码发送短信" in page
        assert ("已向运营商退订" in page) is by_carrier
        training.send_sms(f"second {typed}", number)
        stopped = list_messages(training.office.engine, MessageState.CANCELLED)[0]
        assert "退订" in (stopped.reason or "")
        arrived = len(list_messages(training.office.engine, MessageState.DELIVERED))
        training.touch(thread, f"{thread}/reply", text="START")
        assert "不再" not in training.get(thread).split("phone-side")[0]
        training.send_sms(f"third {typed}", number)
        assert len(list_messages(training.office.engine, MessageState.DELIVERED)) == arrived + 1


def test_the_gateway_refuses_what_is_not_signed_now_by_this_account(training: Training) -> None:
    providers = read_providers(training.court, training.office)
    assert providers.wechat is not None
    assert providers.sms.twilio is not None
    right = GatewayLine(
        gateway=create_gateway(training.court, providers=providers),
        wechat=providers.wechat,
        twilio_token=providers.sms.twilio.auth_token.get_secret_value(),
        gateway_url=providers.sms.gateway_url,
        clock=training.court.world.now,
        random=Random(4),
    )
    assert right.say(PHONE_OPENID, "帮助")
    late = replace(right, clock=lambda: training.court.now - timedelta(minutes=10))
    other = providers.wechat.model_copy(update={"token": providers.wechat.secret})
    for wrong in (late, replace(right, wechat=other)):
        with pytest.raises(LineBroken, match="403"):
            wrong.say(PHONE_OPENID, "帮助")
    for wrong in (replace(right, twilio_token="x" * 32), replace(right, gateway_url="http://127.0.0.1:1")):
        with pytest.raises(LineBroken, match="403"):
            wrong.text(ABROAD, "STOP")


def test_the_desk_answers_to_the_names_of_this_machine_only(training: Training) -> None:
    for host, status in (("127.0.0.1:8001", 200), ("localhost", 200), ("rebound.example.invalid", 400)):
        answer = training.app.test_client().get("/signin", base_url=f"http://{host}")
        assert answer.status_code == status
        # A browser that is told to say nothing of where a form comes from would make ours look foreign.
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    answer = training.client.get("/nowhere", base_url="http://127.0.0.1")
    assert answer.status_code == 404
    assert "首页" in answer.text
    assert "没有这个页面" in answer.text


def test_whom_no_sms_can_tell_is_shown_without_a_name(training: Training) -> None:
    training.home.publish(a_person(8, name="没有电话", phone=None), name="more.jsonl")
    case = "（2025）测0101执8号"
    training.home.ask("remove", case, "--ground", "closed", "--basis", "裁定书", "--as", "reviewer")
    pump_notices(training.court, training.office, training.court.now)
    page = training.get("/messages")
    assert "移出名单告知（被执行人）" in page
    assert "没有登记电话号码" in page
    assert "没有电话" not in page


@pytest.mark.parametrize(
    ("name", "value"), [("GONGSHI_SMS_PRICE", "五分"), ("GONGSHI_WECHAT_TEMPLATES", "/nowhere.toml")]
)
def test_a_setting_that_cannot_be_used_keeps_the_desk_from_starting(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for setting, given in {**REAL, name: value}.items():
        monkeypatch.setenv(setting, given)
    court = home.court
    with pytest.raises(BadSetting, match=f"设置 {name} 无效"):
        create_desk(court)
    court.close()


# In a browser -------------------------------------------------------------------------------------------------------

# What a browser complains of; its hints to developers are neither.
LOUD = ("error", "warning")
SCREENS = {"phone": (390, 844), "desktop": (1280, 900)}


class SilentHandler(WSGIRequestHandler):
    """The development server writes addresses to its log; here nobody reads them."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass


@pytest.fixture
def site(training: Training) -> Iterator[str]:
    """The address of a desk that runs, with something on every page."""
    office, now = training.office, training.court.now
    add_board(office.engine, "hall", "一楼大厅公告栏", now=now)
    sequence, documents = office.register.everything(now)
    note_printing(office.engine, "hall", documents, place="东侧", sequence=sequence, by="书记员甲", now=now)
    training.home.ask("push", "--period", "2026Q3")
    assert training.home.run("worker", "--once").code == 0
    training.home.ask(
        "remove", documents[0].record, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer"
    )
    assert training.home.run("worker", "--once").code == 0
    # The worker has set up a log that ends with its output.
    structlog.reset_defaults()
    training.send_sms("sms")
    training.send_chat("chat")
    server = make_server("127.0.0.1", 0, training.app, threaded=True, request_handler=SilentHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.mark.browser
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_every_page_is_without_fault_and_its_forms_work(browser: Browser, site: str) -> None:
    faults: dict[str, list[str]] = {}
    page = browser.new_page()
    sign_in(page, site)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in LOUD else None)
    for address in walk(page, site):
        for screen, (width, height) in SCREENS.items():
            page.set_viewport_size({"width": width, "height": height})
            faults[f"{screen} {address.removeprefix(site)}"] = find_faults(page)
    assert said == []
    page.close()
    assert len(faults) > 2 * 30
    assert {name: found for name, found in faults.items() if found} == {}
    page = browser.new_page()
    sign_in(page, site)
    page.goto(f"{site}/phone")
    page.fill("input[name=text]", "帮助")
    with page.expect_navigation():
        page.click(".phone__type button")
    assert page.url == f"{site}/phone"
    assert page.is_visible("text=查询的内容不保存")
    page.goto(f"{site}/recalls")
    page.click("text=登记电话或者书面答复")
    form = page.locator("main form:visible").first
    form.locator("[name=kind]").select_option("taken_down")
    for name, value in (("given_by", "值班编辑"), ("place", "新闻频道")):
        form.locator(f"[name={name}]").fill(value)
    form.locator("[name=given_at]").fill("2026-11-18T09:30")
    with page.expect_navigation():
        form.locator("button").click()
    assert page.is_visible("text=回执已经登记")
    page.close()


def sign_in(page: Page, site: str) -> None:
    page.goto(f"{site}/signin")
    page.fill("input[name=name]", "reviewer")
    page.fill("input[name=password]", PASSWORD)
    with page.expect_navigation():
        page.click("main button")
    assert page.url == f"{site}/"


def walk(page: Page, site: str) -> Iterator[str]:
    """Every page of the desk, each time it is shown, by following its links; one of each shape is enough."""
    todo, shapes = [f"{site}/"], set()
    while todo:
        address = todo.pop(0)
        shape = re.sub(r"/\d+(?=/|$)|/[0-9a-f]{16}$|=[^&]*", "/…", address)
        if shape in shapes:
            continue
        shapes.add(shape)
        answer = page.request.get(address)
        assert answer.status == 200, f"{address}: {answer.status}"
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        page.goto(address)
        yield address
        links: list[str] = page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
        pages = [
            link.split("#")[0]
            for link in links
            if link.startswith(site) and not re.search(r"\.\w{2,6}$|SUMS$|\.sig$", link)
        ]
        todo += [link for link in pages if "/r1/" not in link]


def find_faults(page: Page) -> list[str]:
    """What axe-core finds, of whatever weight, and whether the page must be scrolled sideways."""
    results = Axe().run(page)
    assert results.response["passes"], "axe-core did not look at the page"
    found = [
        f"{violation['id']}: {node['html']}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]
    root = "document.documentElement"
    if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
        found.append("wider than the screen")
    return found
