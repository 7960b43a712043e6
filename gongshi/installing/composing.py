"""From the answers to the files of an installation. Pure: what is read from deploy/ is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gongshi.installing.answers import Answers, Side, Tls, write_answers

HOME = "/var/lib/gongshi"
RETURNED = "/var/lib/gongshi-returned"
INCOMING, OUTGOING = "/var/lib/gongshi-incoming", "/var/lib/gongshi-outgoing"
OWN_TLS = "/etc/gongshi/tls"
ANSWERS_FILE = "/etc/gongshi/answers.toml"
SERVICES = ("portal", "desk", "gateway", "units", "worker")
TIMERS = ("backup", "doctor")
# Where files are written for an isolated portal, its come back here.
RECEIVE = "receive"
# Which processes write what is witnessed or backed up outside the home.
_WITNESSING = ("desk", "units", "gateway", "worker", "backup", "doctor")
_BACKING = ("backup", "doctor")
_HSTS = 'add_header Strict-Transport-Security "max-age=31536000" always;'


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file of the installation. It is root's; `group` may read it where `mode` says so."""

    path: str
    content: str
    mode: int = 0o644
    group: str = "root"


def compose(answers: Answers, templates: Mapping[str, str], *, ipv6: bool) -> tuple[PlannedFile, ...]:
    """Every file of an installation. `templates` are the files of deploy/, by their path in it; `ipv6`: the machine has it."""
    folders = templates["tmpfiles.conf"]
    if answers.side is Side.PUBLIC:
        # There is no registry and no notifier on such a machine, nor a place for one.
        folders = "".join(line for line in folders.splitlines(True) if "gongshi-registry" not in line and
                          "gongshi-notifier" not in line)  # fmt: skip
    return (
        *_settings(answers),
        *_units(answers, templates),
        PlannedFile("/usr/local/bin/gongshi", templates["gongshi"], 0o755),
        PlannedFile("/etc/sysusers.d/gongshi.conf", templates["sysusers.conf"]),
        PlannedFile("/etc/tmpfiles.d/gongshi.conf", folders + _more_folders(answers)),
        PlannedFile("/etc/logrotate.d/gongshi", templates["logrotate"]),
        PlannedFile("/etc/systemd/journald.conf.d/gongshi.conf", templates["journald.conf"]),
        *_sites(answers, templates, ipv6),
    )


def enabled_units(answers: Answers) -> tuple[str, ...]:
    """The units that are started now and with the machine. Who has no name for a site has no use for its process; the desk
    is reached from the machine itself as well."""
    if answers.side is Side.PUBLIC:
        return ("gongshi-portal.service", "gongshi-journal.service")
    named = {"units": answers.units_name, "gateway": answers.gateway_name}
    services = (f"gongshi-{name}.service" for name in SERVICES if named.get(name, "yes"))
    return (*services, *(f"gongshi-{name}.timer" for name in _timers(answers)))


def _timers(answers: Answers) -> tuple[str, ...]:
    return (*TIMERS, RECEIVE) if answers.journal_export_folder else TIMERS


def environment(answers: Answers) -> dict[str, str]:
    """The settings that all processes but the portal share, without secrets."""
    if answers.side is Side.PUBLIC:
        return {"GONGSHI_JOURNAL_KEY": answers.journal_key}
    found = {
        "GONGSHI_PUBLIC_URL": f"{answers.scheme}://{answers.public_name}",
        "GONGSHI_GATEWAY_URL": f"https://{answers.gateway_name}" if _has_gateway_url(answers) else "",
        "GONGSHI_DESK_HOSTS": answers.desk_name,
        "GONGSHI_UNITS_HOSTS": answers.units_name,
        "GONGSHI_UNITS_PROXIES": "1" if answers.units_name else "",
        "GONGSHI_COMMISSION_NUMBER": answers.commission_number,
        "GONGSHI_BACKUP_FOLDER": answers.backup_folder,
        "GONGSHI_WITNESS_FOLDER": answers.witness_folder,
        "GONGSHI_ALARM_MAIL": answers.alarm_mail,
        "GONGSHI_JOURNAL_EXPORT_FOLDER": answers.journal_export_folder,
        "GONGSHI_CERTIFICATES": ",".join(_certificates(answers)),
    }
    return {name: value for name, value in found.items() if value}


def secrets(answers: Answers) -> dict[str, str]:
    """The settings of the providers that were asked for."""
    if answers.side is Side.PUBLIC:
        return {}
    found = {"GONGSHI_SMTP_URL": answers.smtp_url, "GONGSHI_MAIL_FROM": answers.mail_from}
    return {name: value for name, value in found.items() if value}


def certificate_of(answers: Answers, name: str) -> tuple[str, str]:
    """The files of the certificate and the key that nginx shows under `name`."""
    if name in answers.inner_names:
        if answers.inner_certificate:
            return answers.inner_certificate, answers.inner_certificate_key
        return f"{OWN_TLS}/inner.crt", f"{OWN_TLS}/inner.key"
    if answers.tls is Tls.OWN:
        return answers.certificate, answers.certificate_key
    return f"{OWN_TLS}/public.crt", f"{OWN_TLS}/public.key"


def _has_gateway_url(answers: Answers) -> bool:
    # Links that are their own key never go unencrypted.
    return bool(answers.gateway_name) and answers.tls is not Tls.NONE


def _certificates(answers: Answers) -> list[str]:
    if answers.tls is Tls.NONE:
        return []
    names = (*answers.outer_names, *answers.inner_names)
    return list(dict.fromkeys(certificate_of(answers, name)[0] for name in names))


def _settings(answers: Answers) -> Iterator[PlannedFile]:
    portal = {
        "GONGSHI_PUBLIC_URL": f"{answers.scheme}://{answers.public_name}",
        "GONGSHI_TRUSTED_PROXIES": "1",
    }
    yield PlannedFile("/etc/gongshi/common.env", _write_environment("各进程共用的设置", environment(answers)), 0o600)
    yield PlannedFile("/etc/gongshi/portal.env", _write_environment("公示网站的设置", portal), 0o600)
    yield PlannedFile("/etc/gongshi/providers.env", _write_environment(_PROVIDERS, secrets(answers)), 0o600)
    yield PlannedFile(ANSWERS_FILE, write_answers(answers), 0o600)


_PROVIDERS = (
    "服务商的账号和口令（微信、短信、邮件）；改动后运行 systemctl restart gongshi-worker gongshi-gateway gongshi-desk"
)


def _write_environment(title: str, values: Mapping[str, str]) -> str:
    head = f"# {title}。各项的含义见 docs/operations.md 的 Settings。\n"
    # Single quotes say the same to systemd and to a shell; no value holds one.
    return head + "".join(f"{name}='{value}'\n" for name, value in values.items())


def _units(answers: Answers, templates: Mapping[str, str]) -> Iterator[PlannedFile]:
    if answers.side is Side.PUBLIC:
        yield from _public_units(answers, templates)
        return
    for name in (*SERVICES, *_timers(answers)):
        unit = f"gongshi-{name}.service"
        yield PlannedFile(f"/etc/systemd/system/{unit}", templates[unit])
        places = [answers.witness_folder] if answers.witness_folder and name in _WITNESSING else []
        places += [answers.backup_folder] if name in _BACKING else []
        places += [answers.journal_export_folder] if answers.journal_export_folder and name == "worker" else []
        if places:
            text = f"[Service]\nReadWritePaths={' '.join(f'-{place}' for place in places)}\n"
            yield PlannedFile(f"/etc/systemd/system/{unit}.d/setup.conf", text)
    for name in _timers(answers):
        yield PlannedFile(f"/etc/systemd/system/gongshi-{name}.timer", templates[f"gongshi-{name}.timer"])


def _public_units(answers: Answers, templates: Mapping[str, str]) -> Iterator[PlannedFile]:
    for unit in ("gongshi-portal.service", "gongshi-journal.service"):
        yield PlannedFile(f"/etc/systemd/system/{unit}", templates[unit])
    if answers.one_way == "yes":
        text = f"[Service]\nExecStart=\nExecStart=/opt/gongshi/current/venv/bin/gongshi journal watch {INCOMING}\n"
        yield PlannedFile("/etc/systemd/system/gongshi-journal.service.d/setup.conf", text)


def _more_folders(answers: Answers) -> str:
    if answers.side is Side.PUBLIC:
        return "".join(f"d {folder} 2770 gongshi gongshi\n" for folder in (INCOMING, OUTGOING))
    lines = [f"d {answers.backup_folder} 0700 gongshi gongshi"]
    if answers.journal_export_folder:
        lines += [
            f"d {answers.journal_export_folder} 2770 gongshi-worker gongshi-registry",
            f"d {RETURNED} 2770 gongshi gongshi",
        ]
    if answers.witness_folder:
        lines += [
            "# The second copy of the logs: whoever writes in one may add to it, and neither remove nor replace it.",
            f"d {answers.witness_folder} 0755 root root",
            f"f {answers.witness_folder}/departures.log 0660 root gongshi-registry",
            f"f {answers.witness_folder}/sent.log 0660 root gongshi-notifier",
        ]
    return "".join(f"{line}\n" for line in lines)


def _sites(answers: Answers, templates: Mapping[str, str], ipv6: bool) -> Iterator[PlannedFile]:
    def place(name: str, text: str) -> PlannedFile:
        return PlannedFile(f"/etc/nginx/conf.d/{name}.conf", text)

    yield place("gongshi-00-common", templates["nginx/gongshi-00-common.conf"])
    tls = answers.tls is not Tls.NONE
    if tls:
        yield PlannedFile("/etc/nginx/gongshi-tls.inc", templates["nginx/gongshi-tls.inc"])
        shut = _listen(443, " ssl default_server", ipv6)
        yield place("gongshi-01-tls", _fill(templates["nginx/gongshi-01-tls.conf"], LISTEN_TLS_DEFAULT=shut))
    sites = ("portal",) if answers.side is Side.PUBLIC else ("portal", "desk", "units", "gateway")
    for site in sites:
        name = answers.public_name if site == "portal" else getattr(answers, f"{site}_name")
        if not name:
            continue
        certificate, key = certificate_of(answers, name)
        text = _fill(
            templates[f"nginx/gongshi-{site}.conf"],
            LISTEN_SITE=_listen(443, " ssl http2", ipv6) if tls else _listen(80, "", ipv6),
            NAME=name,
            TLS=f"include /etc/nginx/gongshi-tls.inc;\n    ssl_certificate {certificate};\n    ssl_certificate_key {key};"
            if tls
            else "",
            HSTS=_HSTS if tls else "",
            HSTS_KEPT=_HSTS if tls else "",
            ALLOW=_allow(answers.inner_networks),
        )
        if tls:
            text += _fill(templates["nginx/gongshi-redirect.conf"], LISTEN=_listen(80, "", ipv6), NAME=name)
        yield place(f"gongshi-{site}", text)


def _allow(networks: str) -> str:
    return "\n    ".join([*(f"allow {one.strip()};" for one in networks.split(",")), "deny all;"])


def _listen(port: int, rest: str, ipv6: bool) -> str:
    lines = [f"listen {port}{rest};", *([f"listen [::]:{port}{rest};"] if ipv6 else [])]
    return "\n    ".join(lines)


def _fill(template: str, **values: str) -> str:
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    # A place that stays empty leaves no line of blanks.
    return "".join(f"{line}\n" for line in template.splitlines() if line.strip() or not line)
