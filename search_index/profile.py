"""The court's profile: who publishes the list, and how to reach them. It reaches the portal through the journal."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the public may know of the court and its site.

    `policy` and `id_mask` name the rules the entries were published under. `emblem` is the national emblem as the
    court obtained it (国徽法 art. 7), an SVG or PNG; empty until it is set. Filing numbers: 互联网信息服务管理办法 12.
    """

    court: str = "（尚未设置法院名称）"
    region: str = ""
    address: str = ""
    postcode: str = ""
    telephone: str = ""
    telephone_hours: str = "工作日 9:00–12:00，14:00–17:00"
    email: str = ""
    website: str = ""
    higher_court: str = ""
    signature: str = ""
    policy: str = "national"
    id_mask: str = "national"
    icp_number: str = ""
    police_number: str = ""
    privacy_contact: str = ""
    training: bool = False
    emblem: bytes = b""
    emblem_type: str = ""
    # The public key (hex) to which the portal seals what people send in; none while empty.
    sealing_key: str = ""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "emblem": base64.b64encode(self.emblem).decode()}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Profile:
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in body.items() if key in known}
        return cls(**{**values, "emblem": base64.b64decode(values.get("emblem", ""))})
