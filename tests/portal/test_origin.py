"""What the portal says of an entry that was taken over from another court's list."""

from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient
from portal_world import PERSON, World

COURT = "云南省高级人民法院"
OBJECT = "/objections/new?record="


def test_an_entry_of_another_list_says_where_it_is_from_and_where_to_object(world: World, client: FlaskClient) -> None:
    taken, own = world.publish(replace(PERSON, origin=COURT), replace(PERSON, name="王测试"))
    text = client.get(f"/entries/{taken.record}").text
    assert f"转载自{COURT}公布的名单" in text
    assert "更正、删除请向该院提出" in text
    assert OBJECT not in text
    other = client.get(f"/entries/{own.record}").text
    assert "转载自" not in other
    assert OBJECT in other
    assert client.get(f"/api/v1/entries/{taken.record}").get_json()["origin"] == COURT
    assert f"转载自{COURT}" in client.get("/search?q=扎西").text
    assert "转载自某法院公布的名单" in client.get("/rights").text
