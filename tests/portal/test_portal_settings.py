"""The portal's settings, and that they could not name anything private."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from portal.settings import PortalSettings, SettingsError


def test_a_home_is_enough(tmp_path: Path) -> None:
    settings = PortalSettings.from_environment({"GONGSHI_HOME": str(tmp_path)})
    assert settings.disclosed_url == f"sqlite:///{tmp_path}/public/disclosed.db"
    assert settings.index_folder == tmp_path / "public" / "index"
    assert settings.rate_limit
    assert settings.trusted_proxies == 0


def test_everything_can_be_set() -> None:
    settings = PortalSettings.from_environment(
        {
            "GONGSHI_DISCLOSED_URL": "postgresql+psycopg://reader@db.invalid/disclosed",
            "GONGSHI_PUBLIC_URL": "https://list.example.invalid/",
            "GONGSHI_RATE_LIMIT": "off",
            "GONGSHI_TRUSTED_PROXIES": "2",
        }
    )
    assert settings.public_url == "https://list.example.invalid"
    assert not settings.rate_limit
    assert settings.trusted_proxies == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GONGSHI_DISCLOSED_URL", "not an address"),
        ("GONGSHI_DISCLOSED_URL", "mysql://db.invalid/x"),
        ("GONGSHI_PUBLIC_URL", "example.invalid"),
        ("GONGSHI_PUBLIC_URL", "ftp://example.invalid"),
        ("GONGSHI_PUBLIC_URL", "https://example.invalid/?a=1"),
        ("GONGSHI_PUBLIC_URL", "https://[bad"),
        ("GONGSHI_RATE_LIMIT", "yes"),
        ("GONGSHI_TRUSTED_PROXIES", "-1"),
        ("GONGSHI_TRUSTED_PROXIES", "many"),
        ("GONGSHI_TRUSTED_PROXIES", "99"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        PortalSettings.from_environment({name: value})
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_private_is_read_or_kept() -> None:
    private = {
        "GONGSHI_REGISTRY_URL": "sqlite:///private",
        "GONGSHI_NOTIFIER_URL": "sqlite:///private",
        "GONGSHI_SMTP_URL": "smtp://private",
    }
    assert PortalSettings.from_environment(private) == PortalSettings.from_environment({})
    assert {f.name for f in fields(PortalSettings)} == {
        "disclosed_url",
        "drop_folder",
        "emergency_folder",
        "index_folder",
        "limits",
        "public_url",
        "rate_limit",
        "trusted_proxies",
    }


def test_the_address_of_the_store_is_not_printed() -> None:
    settings = PortalSettings.from_environment(
        {"GONGSHI_DISCLOSED_URL": "postgresql+psycopg://reader:password@db.invalid/disclosed"}
    )
    assert "password" not in repr(settings)
