"""Each role's day in a real browser, by keyboard alone: the desk and the portal of one court, served side by side.

No page that a day passes keeps anybody out (axe-core), and none is wider than the screen of a desk or of a phone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyotp
import pytest
from browsing import Visitor, running_browser, serving
from desk_records import await_jobs, count_public
from entries import a_person, with_term
from flask import Flask
from homes import Home
from playwright.sync_api import Browser, Locator
from seats import PASSWORD
from submissions import PDF

from gongshi.court import Court
from portal.app import create_app

# What lies beneath the pages is no matter of a browser's.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("databases", ["sqlite"], indirect=True)]

Enter = Callable[[str], Visitor]
NO_NAMES = "（2026）测0101执异1号"
# Found for sure: the name of somebody else and a telephone number.
THIRD = "支付王建国货款人民币100000元，联系电话13900001234。"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as started:
        yield started


@pytest.fixture(scope="module")
def passed() -> set[str]:
    """The kinds of pages that were looked at."""
    return set()


@pytest.fixture
def visit(browser: Browser, passed: set[str]) -> Iterator[Callable[[], Visitor]]:
    """Somebody who sits down at a browser of their own."""
    contexts = []

    def sit_down() -> Visitor:
        contexts.append(browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900}))
        return Visitor(contexts[-1].new_page(), passed)

    yield sit_down
    for context in contexts:
        context.close()


@pytest.fixture
def desk(desk_app: Flask) -> Iterator[str]:
    """The address of the desk."""
    with serving(desk_app) as address:
        yield address


@pytest.fixture
def portal(court: Court, home: Home) -> Iterator[str]:
    """The address of the public site of the same court."""
    court.set_profile(replace(court.profile(), court="测试市人民法院"), "reviewer")
    app = create_app(home.public_settings, home.clock)
    with serving(app) as address:
        yield address
    app.close()


@pytest.fixture
def enter(desk: str, visit: Callable[[], Visitor]) -> Enter:
    """Somebody of the court who has come in and signed in."""

    def sign_in(name: str) -> Visitor:
        visitor = visit()
        visitor.open(desk)
        fill_in_sign_in(visitor, name, PASSWORD)
        visitor.expect(f"{name}（")
        return visitor

    return sign_in


def fill_in_sign_in(visitor: Visitor, name: str, password: str, code: str = "") -> None:
    visitor.write("用户名", name)
    visitor.write("口令", password)
    if code:
        visitor.write("验证码", code)
    visitor.press("登录")


def change_password(visitor: Visitor, given: str, own: str) -> None:
    """What somebody is led to who signs in with a password that another has set."""
    visitor.expect("您的口令是别人设定的")
    visitor.write("现在的口令", given)
    visitor.write("新口令", own)
    visitor.write("再输入一次新口令", own)
    visitor.press("修改口令")
    visitor.expect("请用新口令登录")


def find_record(visitor: Visitor, serial: int, name: str) -> None:
    """Look for a record by its case number, from whatever page."""
    visitor.follow("工作清单", within=visitor.page.get_by_role("navigation", name="主要栏目"))
    visitor.write("查找记录", f"（2025）测0101执{serial}号")
    visitor.press("查找")
    visitor.follow(name)


def act(visitor: Visitor, label: str) -> None:
    """Choose something that may be done with the record."""
    visitor.follow(label, within=visitor.page.get_by_role("navigation", name="可以办理的事项"))


def await_job(visitor: Visitor) -> None:
    """Wait until what runs beside the pages is done, and ask how far it has come, if it was not done at once."""
    await_jobs()
    if visitor.page.get_by_role("link", name="更新进度").count():
        visitor.follow("更新进度")


def row_of(visitor: Visitor, line: int) -> Locator:
    """The line of the file that is to be put right."""
    return visitor.page.get_by_role("group", name=f"原文件第{line}行", exact=True)


def search(visitor: Visitor, portal: str, name: str) -> None:
    visitor.open(portal)
    visitor.write_into(visitor.page.get_by_role("searchbox"), name)
    visitor.press("查询")


def twenty() -> list[dict[str, Any]]:
    """A list as it comes: three lines are wrong, three records lack something, and one holds words of other people."""
    entries = [with_term(a_person(serial), "2027-05-01") for serial in range(1, 21)]
    entries[0] = a_person(1, name="扎西测试", obligation=THIRD)
    entries[1]["name"] = "卓玛测试"
    entries[3]["id_number"] = "990101198001020000"
    entries[7]["performance"] = "也许"
    del entries[11]["court"]
    entries[4]["decision_number"] = None
    entries[5]["decided_on"] = None
    entries[6]["served_on"] = None
    return entries


def import_and_put_right(clerk: Visitor, file: Path) -> None:
    clerk.follow("导入和审批")
    clerk.attach("文件", file)
    clerk.press("导入")
    await_job(clerk)
    clerk.expect("接受 17条", "不合格 3条", "第4行", "第8行", "第12行")
    clerk.follow("改正不合格的行并重新导入")
    clerk.write("身份证号码", a_person(4)["id_number"], within=row_of(clerk, 4))
    clerk.write("履行情况", "全部未履行", within=row_of(clerk, 8))
    clerk.write("执行法院", "测试市人民法院", within=row_of(clerk, 12))
    clerk.press("重新导入")
    await_job(clerk)
    clerk.expect("接受 3条", "不合格 0条")


def complete_and_serve(clerk: Visitor, receipt: Path) -> None:
    clerk.follow("工作清单")
    clerk.follow("在一张表中补充记录")
    table = clerk.page.get_by_role("table", name="待补充的记录和各自缺少的内容")
    texts, days = table.locator("input[type=text]"), table.locator("input[type=date]")
    clerk.write_into(texts, "（2025）测0101执5号决定书")
    clerk.write_day_into(days, date(2025, 6, 2))
    clerk.press("保存")
    clerk.expect("没有待补充的记录")
    find_record(clerk, 7, "甲测试")
    act(clerk, "登记送达")
    clerk.write_day("送达日期", date(2026, 11, 10))
    clerk.attach("送达回证", receipt)
    clerk.press("保存")
    clerk.expect("送达已经登记", "送达回证")


def resolve_and_check(reviewer: Visitor) -> None:
    """The findings one by one, each has the keyboard when its turn comes; then the four questions of art. 3."""
    find_record(reviewer, 1, "扎西测试")
    reviewer.follow_first("遮盖建议")
    decided = 0
    while "已全部决定" not in reviewer.words:
        assert reviewer.page.locator(":focus").inner_text() == "遮盖"
        reviewer.press("遮盖", key="Space")
        decided += 1
    assert decided >= 2
    reviewer.follow("回到记录")
    for question in ("是否已提供充分有效担保", "是否足以清偿", "履行顺序是否在后", "是否有其他不属于"):
        reviewer.pick("否", within=reviewer.page.get_by_role("group", name=re.compile(question)))
    reviewer.press("保存核对结果")
    reviewer.expect("您已核对")


def approve_after_a_sample(reviewer: Visitor) -> None:
    reviewer.follow("导入和审批", within=reviewer.page.get_by_role("navigation", name="主要栏目"))
    reviewer.follow("第1批")
    assert "整批审核" not in [one.inner_text() for one in reviewer.page.get_by_role("button").all()]
    reviewer.press("抽取样本")
    lines = re.findall(r"第(\d+)行", reviewer.page.get_by_text("样本：").inner_text())
    assert lines
    for line in lines:
        reviewer.follow(f"第{line}行", within=reviewer.page.get_by_text("样本："))
        reviewer.press("合格")
        reviewer.expect("抽查结果已经登记")
    reviewer.tick("已核对各份决定书均由院长签发")
    reviewer.press("整批审核")
    await_job(reviewer)
    reviewer.expect("通过17条，未通过0条")


def test_a_list_comes_in_is_decided_by_others_and_goes_out(
    home: Home, court: Court, enter: Enter, visit: Callable[[], Visitor], portal: str, tmp_path: Path
) -> None:
    """The day of a clerk and of two reviewers, as the public sees it."""
    receipt = tmp_path / "回证.pdf"
    receipt.write_bytes(PDF)
    clerk = enter("clerk")
    import_and_put_right(clerk, home.write("list.jsonl", twenty()))
    complete_and_serve(clerk, receipt)
    # Who imported it approves nothing of it.
    clerk.follow("导入和审批")
    clerk.follow("第1批")
    clerk.expect("须由另一人办理")

    reviewer = enter("reviewer")
    resolve_and_check(reviewer)
    approve_after_a_sample(reviewer)
    assert count_public(court) == 0
    find_record(reviewer, 4, "甲测试")
    act(reviewer, "审核")
    reviewer.tick("已核对决定书由院长签发")
    reviewer.press("审核通过")
    reviewer.expect("已经审核")
    for serial, name in ((1, "扎西测试"), (2, "卓玛测试")):
        find_record(reviewer, serial, name)
        act(reviewer, "现在公布")
        reviewer.press("公布")
        reviewer.expect("已经公布")
    assert count_public(court) == 2

    citizen = visit()
    search(citizen, portal, "扎西测试")
    citizen.follow_first("扎西测试")
    citizen.expect("扎西测试", "全部未履行")
    assert "王建国" not in citizen.words
    assert "13900001234" not in citizen.words

    object_and_correct(clerk, enter("second"))
    hold_and_withdraw(clerk, reviewer, citizen)
    assert count_public(court) == 1
    search(citizen, portal, "卓玛测试")
    citizen.follow_first("卓玛测试")
    citizen.expect("测试市第二人民法院")


def object_and_correct(clerk: Visitor, second: Visitor) -> None:
    """An objection on paper that came two days ago; who neither imported nor approved finds that it is right."""
    clerk.follow("办件", within=clerk.page.get_by_role("navigation", name="主要栏目"))
    clerk.follow("登记来件")
    clerk.choose("办件的种类", "异议（纠正申请）")
    clerk.choose("来件的方式", "书面")
    clerk.write_day("实际收到的日期", date(2026, 11, 16))
    clerk.choose("异议的理由", "信息有误")
    clerk.write("失信信息的记录编号或者案号", "（2025）测0101执2号")
    clerk.write("来件人的姓名", "卓玛测试")
    clerk.write("电话", "13900000009")
    clerk.write("内容", "作出执行依据的是测试市第二人民法院。")
    clerk.press("登记")
    # Fifteen days from the day that it came, not from today.
    clerk.expect("第1号办件", "2026年11月16日", "2026年12月1日")
    clerk.unfold("开始审查")
    clerk.press("开始审查")
    clerk.expect("正在审查")

    second.follow("办件", within=second.page.get_by_role("navigation", name="主要栏目"))
    second.follow("第1号")
    second.unfold("理由成立")
    second.choose("如何办理", "更正")
    second.tick("执行依据作出单位")
    second.write("依据的文书名称和文号", NO_NAMES)
    second.write("理由", "经查，执行依据由测试市第二人民法院作出。")
    second.press("理由成立")
    second.expect("理由成立，等待办理", "执行依据作出单位（待更正）")
    second.follow("更正该失信信息")
    second.write("执行依据作出单位", "测试市第二人民法院")
    second.press("保存更正")
    second.expect("测试市第二人民法院")
    second.follow("异议")
    second.expect("已办结", "办理完毕")


def hold_and_withdraw(clerk: Visitor, reviewer: Visitor, citizen: Visitor) -> None:
    """A clerk holds alone, and the public finds nothing when the page says so; another confirms and withdraws."""
    find_record(clerk, 1, "扎西测试")
    act(clerk, "先行屏蔽")
    clerk.write("依据", NO_NAMES)
    clerk.write_day("事由发生日", date(2026, 11, 17))
    clerk.write_day("法院知悉日", date(2026, 11, 18))
    clerk.press("屏蔽")
    clerk.expect("公众已查不到")
    citizen.reload()
    citizen.expect("该信息已不再公示")
    assert "扎西测试" not in citizen.words

    reviewer.follow("首页")
    reviewer.expect("确认屏蔽", "clerk屏蔽")
    reviewer.follow("工作清单")
    find_record(reviewer, 1, "扎西测试")
    act(reviewer, "确认屏蔽")
    reviewer.press("确认")
    reviewer.expect("屏蔽已经确认")
    act(reviewer, "撤销")
    reviewer.choose("事由", "不应纳入而纳入（第九条第一款）")
    reviewer.write("依据", NO_NAMES)
    reviewer.write_day("事由发生日", date(2026, 11, 17))
    reviewer.write_day("法院知悉日", date(2026, 11, 18))
    reviewer.press("撤销")
    reviewer.expect("公众已查不到", "撤销")
    citizen.reload()
    citizen.expect("该信息已不再公示")
    assert "扎西测试" not in citizen.words


def test_an_auditor_reads_everything_and_changes_nothing(home: Home, court: Court, enter: Enter) -> None:
    home.publish(a_person(1, name="扎西测试"))
    home.ask("hold", "（2025）测0101执1号", "--basis", "被执行人提出书面异议", "--as", "clerk")
    auditor = enter("auditor")
    auditor.follow("审计记录")
    auditor.expect("屏蔽", "被执行人提出书面异议")
    auditor.choose("办理人", "clerk")
    auditor.choose("事项", "屏蔽")
    auditor.write_day("起始日", date(2026, 11, 18))
    auditor.press("查找")
    assert auditor.page.locator("tbody tr").count() == 1
    auditor.expect("依据：被执行人提出书面异议")
    auditor.press("校验审计记录")
    auditor.expect("审计记录完整")
    auditor.follow("回到审计记录")
    find_record(auditor, 1, "扎西测试")
    auditor.expect("内部记录", "屏蔽")
    assert list_forms(auditor) == ["/signout"]
    for place, forms in (
        ("首页", ["/alarms/seen", "/signout"]),
        ("导入和审批", ["/signout"]),
        ("办件", ["/signout"]),
        ("文书", ["/letters/check", "/signout"]),
        ("公示文章", ["/signout"]),
        ("联合惩戒单位", ["/signout"]),
        ("名单推送", ["/signout"]),
        ("工作清单", ["/signout", "/work/search"]),
        ("审计记录", ["/audit/verify", "/signout"]),
    ):
        auditor.follow(place, within=auditor.page.get_by_role("navigation", name="主要栏目"))
        assert set(list_forms(auditor)) <= set(forms), place
    auditor.press("退出登录")
    auditor.expect("登录")


def list_forms(visitor: Visitor) -> list[str]:
    """Where the page can send something that may change what is kept."""
    found: list[str] = visitor.page.evaluate(
        "() => [...document.forms].filter(one => one.method === 'post').map(one => one.getAttribute('action'))"
    )
    return sorted(set(found))


def test_an_administrator_looks_after_accounts_and_sees_no_record(
    home: Home, enter: Enter, desk: str, visit: Callable[[], Visitor]
) -> None:
    home.publish(a_person(1, name="扎西测试"))
    admin = enter("admin")
    admin.expect("不查看失信信息")
    admin.follow("工作人员", within=admin.page.get_by_role("navigation", name="主要栏目"))
    admin.write("用户名", "newcomer")
    admin.choose("角色", "审核人")
    admin.write("初始口令", "first-password")
    admin.press("增加账户")
    admin.expect("newcomer")

    newcomer = visit()
    newcomer.open(desk)
    fill_in_sign_in(newcomer, "newcomer", "first-password")
    change_password(newcomer, "first-password", "my-own-password")
    fill_in_sign_in(newcomer, "newcomer", "my-own-password")
    newcomer.follow("newcomer（审核人）")
    newcomer.follow("启用两步验证")
    secret = "".join(newcomer.page.locator(".desk-secret").inner_text().split())
    newcomer.write("口令", "my-own-password")
    newcomer.write("验证码", pyotp.TOTP(secret).at(home.clock.moment))
    newcomer.press("启用")
    newcomer.expect("两步验证", "已启用")
    newcomer.press("退出登录")
    # The code of a moment is good for once.
    home.clock.advance(seconds=31)
    newcomer.open(desk)
    fill_in_sign_in(newcomer, "newcomer", "my-own-password")
    newcomer.expect("没有办理")
    fill_in_sign_in(newcomer, "newcomer", "my-own-password", pyotp.TOTP(secret).at(home.clock.moment))
    newcomer.expect("newcomer（审核人）")

    admin.reload()
    account = admin.page.locator("section").filter(has=admin.page.get_by_role("heading", name="newcomer"))
    admin.unfold("更改", within=account)
    admin.press("重置两步验证", within=account)
    admin.unfold("更改", within=account)
    admin.write("新的初始口令", "second-password", within=account)
    admin.press("重置口令", within=account)
    newcomer.reload()
    assert "newcomer（审核人）" not in newcomer.words
    fill_in_sign_in(newcomer, "newcomer", "second-password")
    newcomer.expect("newcomer（审核人）")
    change_password(newcomer, "second-password", "my-next-password")

    places = admin.page.get_by_role("navigation", name="主要栏目").get_by_role("link").all_inner_texts()
    assert places == ["首页", "审计记录", "运行状况", "工作人员"]
    for place in places:
        admin.follow(place, within=admin.page.get_by_role("navigation", name="主要栏目"))
        assert "扎西测试" not in admin.words
        assert "SX-" not in admin.words
    for address in ("/work/published", "/records/1", "/matters", "/import"):
        admin.open(f"{desk}{address}")
        admin.expect("您的角色不能使用这个页面")
        assert "扎西测试" not in admin.words


def test_a_citizen_objects_over_the_net_and_sees_what_became_of_it(
    home: Home, court: Court, enter: Enter, visit: Callable[[], Visitor], portal: str, tmp_path: Path
) -> None:
    home.publish(a_person(1, name="扎西测试"))
    paid = tmp_path / "收据.pdf"
    paid.write_bytes(PDF)
    citizen = visit()
    search(citizen, portal, "扎西测试")
    citizen.follow_first("扎西测试")
    citizen.follow("对这条信息提出异议")
    citizen.press("提交")
    citizen.expect("处需要改正")
    citizen.pick("已经履行")
    citizen.write("事实和理由", "已于十一月十日付清。")
    citizen.attach("附件", paid)
    citizen.pick("本人")
    citizen.write("您的姓名", "扎西测试")
    citizen.write("联系电话", "000-00000000")
    home.clock.advance(seconds=60)
    citizen.press("提交")
    citizen.expect("已经收下", "附件 1 个")
    receipt, code = (citizen.page.locator("dl.receipt dd.number").nth(n).inner_text() for n in (0, 1))
    citizen.follow("查询办理情况")
    ask_state(citizen, receipt, code)
    citizen.expect("没有查到")

    home.clock.advance(minutes=5)
    clerk = enter("clerk")
    clerk.follow("办件", within=clerk.page.get_by_role("navigation", name="主要栏目"))
    clerk.press("收取线上提交")
    clerk.expect("新收到的在下面", receipt)
    clerk.follow("第1号")
    clerk.expect("扎西测试", "已于十一月十日付清。", "收据.pdf")
    clerk.unfold("开始审查")
    clerk.press("开始审查")
    citizen.follow("重新查询")
    ask_state(citizen, receipt, code)
    citizen.expect("审查中")

    second = enter("second")
    second.follow("办件", within=second.page.get_by_role("navigation", name="主要栏目"))
    second.follow("第1号")
    second.unfold("理由成立")
    second.choose("如何办理", "删除")
    second.write("依据的文书名称和文号", NO_NAMES)
    second.write("理由", "经查，已经全部履行。")
    second.press("理由成立")
    citizen.follow("重新查询")
    ask_state(citizen, receipt, code)
    citizen.expect("理由成立")
    second.choose("退出的事由", "已履行生效法律文书确定的义务或者人民法院已执行完毕（第十条第一款第一项）")
    second.write("依据的文书名称和文号", NO_NAMES)
    second.press("删除")
    second.expect("公众已看不到", "已办结")
    assert count_public(court) == 0
    citizen.follow("重新查询")
    ask_state(citizen, receipt, code)
    citizen.expect("已办结")


def ask_state(citizen: Visitor, receipt: str, code: str) -> None:
    citizen.write("受理号", receipt)
    citizen.write("查询码", code)
    citizen.press("查询", within=citizen.page.get_by_role("main"))


# What the days would not pass by ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<input>", "label: "),
        ('<p style="width: 500px">五百</p>', "wider than 390"),
        ('<p style="width: 1400px">一千四百</p>', "wider than 1280"),
        ('<p style="color: #aaa; background: #fff">看不清</p>', "color-contrast: "),
    ],
)
def test_a_page_that_keeps_somebody_out_is_found(databases: str, browser: Browser, body: str, why: str) -> None:
    page = browser.new_page()
    visitor = Visitor(page)
    page.set_content(f'<!doctype html><html lang="zh"><title>一页</title><main><h1>一页</h1>{body}</main></html>')
    with pytest.raises(AssertionError, match=why):
        visitor.look()
    page.close()


@pytest.mark.parametrize(
    ("button", "why"),
    [
        ('<div role="button">办理</div>', "cannot be reached"),
        ('<button tabindex="-1">办理</button>', "cannot be reached"),
        ('<button style="outline: none">办理</button>', "does not show that it is reached"),
    ],
)
def test_a_button_that_asks_for_a_mouse_is_found(databases: str, browser: Browser, button: str, why: str) -> None:
    page = browser.new_page()
    page.set_content(f"<a href='#'>别处</a>{button}<a href='#'>别处</a>")
    with pytest.raises(AssertionError, match=why):
        Visitor(page).press("办理")
    page.close()
