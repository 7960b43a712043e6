"""What `doctor` says of the machine: certificates, disks, the clock's keeper, services, how long logs are kept, the provider's
balance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from gongshi.settings import Settings
from gongshi.watching.finding import Finding, Grade, grade_below, is_graver
from gongshi.watching.machine import (
    Room,
    Service,
    Unreadable,
    days_left,
    is_clock_kept,
    list_services,
    measure_room,
    read_certificate,
    read_journald,
    read_span,
)
from gongshi.watching.rounds import Check, Round, online
from notifier.sms.balance import Balance, BalanceUnknown, read_balance

CERTIFICATE_WARN, CERTIFICATE_FAIL = 30, 7  # days
ROOM_WARN, ROOM_FAIL, LEAST_ROOM = 0.15, 0.05, 1_000_000_000
LOGS_KEPT = timedelta(days=183)  # six months, 网络安全法 art. 23 (3)
BALANCE_WARN, BALANCE_FAIL = 20.0, 5.0  # in the account's own currency


def _certificates(look: Round) -> Iterator[Finding]:
    for place in look.court.settings.certificate_places:
        matter = f"证书 {place.rpartition('/')[2]}"
        try:
            certificate = read_certificate(place)
        except Unreadable as error:
            yield Finding(matter, "warn", f"{place} 读取不到：{error}")
            continue
        if certificate.not_valid_before_utc > look.court.now:
            yield Finding(matter, "fail", f"{place} 还没有生效：请检查证书和系统时间")
        else:
            yield judge_certificate(matter, days_left(certificate, look.court.now))


def judge_certificate(matter: str, days: float) -> Finding:
    """A certificate by the days that it still holds."""
    grade = grade_below(days, warn=CERTIFICATE_WARN, fail=CERTIFICATE_FAIL)
    if days < 0:
        return Finding(
            matter, grade, f"已于 {int(-days)} 天前到期，浏览器会拒绝打开网站：请立即更换证书并重新加载 nginx"
        )
    text = f"还有 {int(days)} 天到期"
    return Finding(matter, grade, text if grade == "ok" else f"{text}：请更换证书，或检查自动续期")


def list_places(settings: Settings) -> Mapping[str, Path]:
    """The folders whose disks must not fill, by what they are called."""
    places = {"登记库": settings.private, "发送库": settings.notifier, "公示库": settings.public}
    for label, folder in (("备份", settings.backup_folder), ("见证记录", settings.witness_folder)):
        if folder:
            places[label] = Path(folder)
    return places


def _disks(look: Round) -> Iterator[Finding]:
    disks: dict[int, tuple[list[str], Room]] = {}
    for label, folder in list_places(look.court.settings).items():
        try:
            device, room = measure_room(folder)
        except OSError:
            yield Finding(f"磁盘 {label}", "fail", f"{folder} 不能访问：请检查磁盘是否挂载、权限是否正确")
            continue
        disks.setdefault(device, ([], room))[0].append(label)
    for labels, room in disks.values():
        yield judge_room("磁盘 " + "、".join(labels), room)


def judge_room(matter: str, room: Room) -> Finding:
    """A file system by what is free of it."""
    grade: Grade = grade_below(min(room.share, room.files), warn=ROOM_WARN, fail=ROOM_FAIL)
    if room.free < LEAST_ROOM:
        grade = "fail"
    text = f"可用 {room.free / 1e9:.1f} GB（{room.share:.0%}）"
    if room.files < ROOM_WARN:
        text += f"，可建文件只剩 {room.files:.0%}"
    return Finding(matter, grade, text if grade == "ok" else f"{text}：请清理或者扩充磁盘，写满后撤下和备份都会失败")


def _keeper(_look: Round) -> Iterator[Finding]:
    kept = is_clock_kept()
    if kept is not None:
        text = "已与时间服务器同步" if kept else "系统时钟没有与时间服务器同步：请启用 chrony 或 systemd-timesyncd"
        yield Finding("时钟同步", "ok" if kept else "warn", text)


def _services(_look: Round) -> Iterator[Finding]:
    for service in list_services():
        finding = judge_service(service)
        if finding is not None:
            yield finding


def judge_service(service: Service) -> Finding | None:
    """A service that is to run and does not; None for one that runs, or is just about to."""
    if service.active in ("active", "activating", "reloading"):
        return None
    name = service.name.removesuffix(".service")
    text = f"没有在运行（{service.active}）：请查看 journalctl -u {name}，再运行 systemctl restart {name}"
    return Finding(f"服务 {name}", "fail", text)


def _logs(_look: Round) -> Iterator[Finding]:
    options = read_journald()
    if options is not None:
        yield judge_logs(options)


def judge_logs(options: Mapping[str, str]) -> Finding:
    """How long journald keeps what the processes write."""
    kept = read_span(options.get("MaxRetentionSec", ""))
    if options.get("Storage") in ("volatile", "none"):
        text = "journald 不在磁盘上保存日志：请设置 Storage=persistent，日志至少保存六个月（网络安全法第二十三条）"
        return Finding("日志保存", "warn", text)
    if kept is not None and kept < LOGS_KEPT:
        text = f"journald 只保存 {kept.days} 天：应不少于 {LOGS_KEPT.days} 天（网络安全法第二十三条）"
        return Finding("日志保存", "warn", text)
    return Finding("日志保存", "ok", f"保存 {kept.days} 天" if kept else "没有限定天数，只受磁盘大小限制")


def _balance(look: Round) -> Iterator[Finding]:
    settings = None if look.providers.training else look.providers.sms.twilio
    if settings is None:
        return
    try:
        yield judge_balance(read_balance(settings))
    except BalanceUnknown as error:
        yield Finding("短信余额", "warn", f"向 Twilio 查询不到余额：{error}")


def judge_balance(balance: Balance) -> Finding:
    """What is left with the provider of SMS."""
    grade = grade_below(balance.amount, warn=BALANCE_WARN, fail=BALANCE_FAIL)
    text = f"Twilio 账户余额 {balance.amount:.2f} {balance.currency}"
    return Finding("短信余额", grade, f"{text}：请充值" if is_graver(grade, "ok") else text)


MACHINE: tuple[Check, ...] = (
    Check("证书", _certificates),
    Check("磁盘", _disks),
    Check("时钟同步", _keeper),
    Check("服务", _services),
    Check("日志保存", _logs),
    Check("短信余额", _balance, is_due=online),
)
