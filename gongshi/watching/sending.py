"""What `doctor` says of sending: what is set up, and whether anything has come to a halt without anyone noticing.

No value of a setting is ever shown, and of people only how many.
"""

from __future__ import annotations

from collections.abc import Iterator

from gongshi.channels import read_rules
from gongshi.notices import list_stuck
from gongshi.office import open_whole_register, signing_key_file
from gongshi.watching.finding import Finding
from gongshi.watching.rounds import Check, Round
from notifier.digests import CHAT_TEMPLATES
from notifier.exports.exporting import LATE_AFTER, list_behind, list_last
from notifier.followups import list_overdue
from notifier.institutions import MAIL, PULL, SFTP, WEBHOOK
from notifier.institutions.settings import remarks as institution_remarks
from notifier.notices import find_gaps
from notifier.package.typeface import TypefaceMissing, open_typeface
from notifier.recipients import SANDBOX, TASKS, list_recipients
from notifier.signing import SigningKeyError, open_signing_key
from notifier.sms.outcomes import LABELS
from notifier.sms.routing import ABROAD_CHANNEL, MAINLAND_CHANNEL
from notifier.sms.settings import remarks as sms_remarks
from notifier.stops import list_pauses
from notifier.watchdogs import (
    BEAT_WITHIN,
    check_totals,
    count_unanswered,
    count_unknown,
    count_waiting,
    list_unfinished,
    read_beat,
)
from notifier.wechat import CHANNEL as WECHAT
from notifier.wechat.conversation import DIGEST
from notifier.wechat.followers import FollowerBook
from notifier.wechat.templates import load_templates
from notifier.worker import find_due_periods, find_waiting

CHANNEL_LABEL = {
    MAINLAND_CHANNEL: "境内短信",
    ABROAD_CHANNEL: "境外短信",
    WECHAT: "微信",
    MAIL: "邮件",
    SFTP: "SFTP",
    WEBHOOK: "回调",
    PULL: "自行领取",
    SANDBOX: "演练收件箱",
    TASKS: "内部待办",
}
_STEP_LABEL = {
    "publish": "公布",
    "compact": "清理公示库",
    "notices": "转发通知",
    "follow": "撤回",
    "calendar": "核对日历",
    "reminders": "催办",
    "digests": "订阅摘要",
    "sweep": "清理未完成的文件",
    "start": "登记启用日期",
    "sweep messages": "清理微信消息的标识",
    "sweep events": "清理网关事件的标识",
    "sweep packages": "清理旧名单包",
    "recount": "重新计算期限",
    "hold": "到期自行屏蔽",
    "alarms": "期限提醒",
    "figures": "退出办理的统计",
    "push figures": "推送与回执的统计",
    "audit": "留存审计链尾",
    "witness": "核对见证记录",
    "emergency": "收取紧急停止显示的标记",
    "retention": "抹除到期的数据",
    "quarter": "季度反馈",
    "units": "单位台账",
}


def _rules(look: Round) -> Iterator[Finding]:
    providers = look.providers
    rules = read_rules(look.court.settings, training=providers.training)
    if rules.dry_run:
        yield Finding("发送方式", "warn", "演练发送（GONGSHI_SENDING=dry_run）：什么都不会发出")
    if rules.trial is not None:
        yield Finding(
            "发送方式", "warn", f"试运行（GONGSHI_TRIAL）：除撤回通知外，只发给名单内的 {len(rules.trial)} 个接收人"
        )
    if rules.approval_required:
        yield Finding("推送批准", "ok", "每次季度推送须经批准（GONGSHI_PUSH_APPROVAL=required）")
    if not rules.quiet:
        yield Finding("免打扰时段", "warn", "已关闭（GONGSHI_QUIET_HOURS=off），只用于演练")


def _sms(look: Round) -> Iterator[Finding]:
    providers = look.providers
    settings = providers.sms
    if providers.training:
        yield Finding("短信", "ok", "演练：放入沙盒收件箱，不发出")
        return
    for remark in sms_remarks(settings):
        yield Finding("短信", "ok" if settings.twilio is None and settings.aliyun is None else "warn", remark)
    if settings.mainland:
        route = "，未受理时改走 ".join(LABELS[name] for name in settings.mainland)
        yield Finding(CHANNEL_LABEL[MAINLAND_CHANNEL], "ok", f"经 {route}")
    if settings.twilio is not None:
        yield Finding(CHANNEL_LABEL[ABROAD_CHANNEL], "ok", "经 Twilio")
    if settings.aliyun is not None and settings.aliyun_report_path is None:
        text = "没有设置 GONGSHI_ALIYUN_REPORT_PATH：收不到阿里云的回执，送达情况只能靠查询"
        yield Finding(CHANNEL_LABEL[MAINLAND_CHANNEL], "warn", text)


def _notices(look: Round) -> Iterator[Finding]:
    court, providers = look.court, look.providers
    missing = find_gaps(court.profile()) if providers.sms.twilio or providers.sms.aliyun else []
    for line in missing:
        yield Finding("短信通知", "warn", line)
    stuck = len(list_stuck(court))
    if stuck:
        yield Finding(
            "短信通知", "warn", f"{stuck} 份通知没有发出：请用 gongshi notice list 查看原因，并以其他方式通知"
        )


def _wechat(look: Round) -> Iterator[Finding]:
    providers = look.providers
    settings = providers.wechat
    if providers.training:
        yield Finding("微信", "ok", "演练：沙盒账号，不连接真实的公众号")
        return
    if settings is None:
        yield Finding("微信", "ok", "未设置（GONGSHI_WECHAT_…）：没有公众号查询，也不发送微信消息")
        return
    missing = sorted(CHAT_TEMPLATES.keys() - load_templates(settings.templates).keys())
    if missing:
        text = f"模板 {'、'.join(missing)} 尚未登记（GONGSHI_WECHAT_TEMPLATES）：这些消息将一直等待"
        yield Finding("微信", "warn", text)
    if settings.plain:
        text = (
            "接受明文消息：明文的签名不保护正文，看到一次请求的人五分钟内可以换掉正文；"
            "请在公众平台选择安全模式，并设置 GONGSHI_WECHAT_PLAIN=off"
        )
        yield Finding("微信", "warn", text)
    if not missing and not settings.plain:
        yield Finding("微信", "ok", "已设置，模板齐全，只接受加密消息")


def _institutions(look: Round) -> Iterator[Finding]:
    lines = institution_remarks(look.providers.institutions)
    for line in lines:
        yield Finding("送达单位的通道", "ok", line)
    if not lines:
        yield Finding("送达单位的通道", "ok", "邮件、SFTP、回调均已设置")


def _gateway(look: Round) -> Iterator[Finding]:
    if look.court.settings.gateway_url:
        yield Finding("网关", "ok", "已设置 GONGSHI_GATEWAY_URL")
    elif {one.channel for one in list_recipients(look.office.engine)} & {MAIL, SFTP, WEBHOOK, PULL}:
        text = "没有设置 GONGSHI_GATEWAY_URL：发给单位的名单包和通知里没有领取和回执的链接"
        yield Finding("网关", "warn", text)
    else:
        yield Finding("网关", "ok", "没有设置 GONGSHI_GATEWAY_URL，目前没有用到")


def _recipients(look: Round) -> Iterator[Finding]:
    channels, receivers = look.channels, list_recipients(look.office.engine)
    if not receivers:
        yield Finding("接收单位", "warn", "没有登记接收单位：季度名单只制作、不发出；用 gongshi recipient add 登记")
        return
    cut_off = [one.name for one in receivers if one.channel not in channels]
    if cut_off:
        yield Finding("接收单位", "fail", f"{'、'.join(cut_off)} 的通道未启用，名单和撤回通知都发不出去")
    else:
        yield Finding("接收单位", "ok", f"{len(receivers)} 个，通道均已启用")


def _tools(look: Round) -> Iterator[Finding]:
    try:
        fingerprint = open_signing_key(signing_key_file(look.court)).public.fingerprint
        yield Finding("签名密钥", "ok", f"公钥指纹 {fingerprint}")
    except SigningKeyError as error:
        yield Finding("签名密钥", "fail", str(error))
    try:
        open_typeface()
        yield Finding("画面字体", "ok", "可用")
    except TypefaceMissing as error:
        yield Finding("画面字体", "fail", str(error))


def _worker(look: Round) -> Iterator[Finding]:
    court, beat = look.court, read_beat(look.office.engine)
    if beat is None:
        yield Finding("后台工作进程", "warn", "从未运行：请用系统服务运行 gongshi worker")
        return
    at = f"{beat.at.astimezone(court.now.tzinfo):%Y-%m-%d %H:%M:%S}"
    if court.now - beat.at > BEAT_WITHIN:
        yield Finding("后台工作进程", "fail", f"最近一次工作在 {at}，此后没有动静：请检查并重新启动 gongshi worker")
    elif beat.failed:
        names = "、".join(_STEP_LABEL.get(name, name.replace("run ", "制作推送 ")) for name in beat.failed)
        yield Finding("后台工作进程", "fail", f"最近一次工作（{at}）中“{names}”出错，原因见它的日志")
    else:
        yield Finding("后台工作进程", "ok", f"最近一次工作在 {at}")


def _runs(look: Round) -> Iterator[Finding]:
    court, office, providers = look.court, look.office, look.providers
    rules = read_rules(court.settings, training=providers.training)
    due = find_due_periods(office, court.now)
    waiting = find_waiting(office.engine, due, rules)
    for one in waiting:
        yield Finding("季度推送", "warn", f"{one.period.label}应推送，等待人工批准或办理")
    late = [one for one in due if one not in waiting and one.days_late > 0]
    for one in late:
        yield Finding("季度推送", "fail", f"{one.period.label}已逾期 {one.days_late} 天仍未推送：请检查后台工作进程")
    unfinished = list_unfinished(office.engine, court.now)
    for run in unfinished:
        text = f"{run.period} 的名单超过一天仍有 {run.recipients} 个单位没有发出或结果不明：请在内部页面查看原因"
        yield Finding("季度推送", "fail", text)
    if not (waiting or late or unfinished):
        yield Finding("季度推送", "ok", "没有逾期的推送")


def _messages(look: Round) -> Iterator[Finding]:
    court, office = look.court, look.office
    engine = office.engine
    unknown = count_unknown(engine, court.now)
    if unknown:
        yield Finding("结果不明的消息", "fail", f"{unknown} 条超过半小时仍不知是否送达：请在内部页面逐条核实")
    for pause in list_pauses(engine):
        label = CHANNEL_LABEL.get(pause.channel, pause.channel)
        yield Finding(f"通道 {label}", "fail", f"已暂停：{pause.reason}；排除后请在内部页面恢复")
    for channel, count in sorted(count_waiting(engine, court.now).items()):
        label = CHANNEL_LABEL.get(channel, channel)
        yield Finding(f"通道 {label}", "warn", f"{count} 条消息等待发送超过一天")
    wrong = check_totals(engine)
    if wrong:
        yield Finding("消息总数", "fail", f"核对不符：{'；'.join(wrong)}。请告知维护人员")
    else:
        yield Finding("消息总数", "ok", "推送、消息与发送记录相符")
    followers = FollowerBook(engine).count_followers()
    others = sum(count for topic, count in followers.items() if topic != DIGEST)
    yield Finding("微信订阅", "ok", f"订阅全部名单 {followers.get(DIGEST, 0)} 人，订阅地区 {others} 人次")


def _answers(look: Round) -> Iterator[Finding]:
    court, office = look.court, look.office
    overdue = list_overdue(office.engine, court.today)
    if overdue:
        text = f"{len(overdue)} 份撤回、更正通知或者澄清公告超过期限没有回执：请在内部页面查看并电话催办"
        yield Finding("撤回", "fail", text)
    else:
        yield Finding("撤回", "ok", "没有超过期限的撤回")
    unanswered = count_unanswered(office.engine, court.today, office.workdays)
    if unanswered:
        yield Finding("播出回执", "warn", f"{unanswered} 个单位催办期满仍未回执是否播出或发布")


def _exports(look: Round) -> Iterator[Finding]:
    """Platforms that have the list and were not told of what left (香格里拉市 四（二）4, 5: within three days)."""
    court, office = look.court, look.office
    behind = list_behind(office.engine, open_whole_register(court), court.now)
    for one in behind:
        if one.owed is None:
            text = f"{one.title}（{one.profile}）上次导出之后的变动已经查不到：请全量导出一次并送达"
            yield Finding("导出", "fail", text)
            continue
        what = f"有 {one.owed.departed} 条退出、{one.owed.corrected} 条更正还没有导出给{one.title}"
        text = f"{what}（应在三日内送达）：请运行 gongshi export {one.profile} --since last 并送达"
        is_late = court.now - one.owed.first_at > LATE_AFTER
        yield Finding("导出", "fail" if is_late else "warn", text)
    made = list_last(office.engine)
    if made and not behind:
        yield Finding("导出", "ok", f"{'、'.join(one.title for one in made)}：没有等待导出超过两天的退出")


SENDING: tuple[Check, ...] = (
    Check("发送方式", _rules, ("推送批准", "免打扰时段")),
    Check("短信", _sms, ("境内短信", "境外短信")),
    Check("短信通知", _notices),
    Check("微信", _wechat),
    Check("送达单位的通道", _institutions),
    Check("网关", _gateway),
    Check("接收单位", _recipients),
    Check("签名密钥", _tools, ("画面字体",)),
    Check("后台工作进程", _worker),
    Check("季度推送", _runs),
    Check("消息", _messages, ("结果不明的消息", "通道", "消息总数", "微信订阅")),
    Check("撤回", _answers, ("播出回执",)),
    Check("导出", _exports),
)
