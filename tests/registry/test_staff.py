"""How passwords are kept."""

from __future__ import annotations

from argon2 import Type, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from registry.staff import HASHER


def test_passwords_are_kept_with_what_rfc_9106_asks_for() -> None:
    used = extract_parameters(HASHER.hash("a-long-password"))
    asked = RFC_9106_LOW_MEMORY
    assert used.type is Type.ID
    assert used.memory_cost >= asked.memory_cost
    assert used.time_cost >= asked.time_cost
    assert used.salt_len >= asked.salt_len
    assert used.hash_len >= asked.hash_len
