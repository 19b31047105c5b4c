"""`holdfast people`, and the first person of a local stack."""

import json
import re
from datetime import timedelta
from pathlib import Path

from cli import tenant
from store.engine import Database
from store.hashing import KeyedHash
from store.passwords import Passwords
from store.people import person_with_email
from store.signing_in import SignIn, Throttle
from tests.cli.command import KEYS, environment_for, holdfast


async def _can_sign_in(database: Database, email: str, password: str) -> bool:
    sign_in = SignIn(database, KeyedHash.parse(KEYS.hash_key), Passwords(), Throttle(), timedelta(hours=1))
    return await sign_in(email=email, password=password, address="192.0.2.1") is not None


async def test_people_are_made_listed_disabled_enabled_and_given_passwords(
    database: Database, database_url: str
) -> None:
    given = environment_for(database_url)
    code, said = await holdfast("people", "create", "Bakery", "ada@example.com", **given)
    assert code == 0, said
    found = re.search(r"^Password +(\S+) ", said, re.MULTILINE)
    assert found
    assert await _can_sign_in(database, "ada@example.com", found.group(1))
    ada = await person_with_email(database, "ada@example.com")
    assert ada is not None
    assert f"Organization  {ada.organization_id}" in said
    assert (ada.name, ada.role) == ("ada", "owner")
    code, said = await holdfast("people", "disable", "ada@example.com", **given)
    assert (code, "last owner" in said) == (1, True)
    member = ("people", "create", "Bakery", "ben@example.com", "--role", "member", "--name", "Ben")
    assert (await holdfast(*member, **given))[0] == 0
    assert (await holdfast("people", "disable", "ben@example.com", **given))[0] == 0
    code, said = await holdfast("people", "list", "Bakery", **given)
    assert [line.split(maxsplit=2) for line in said.splitlines()] == [
        ["ada@example.com", "owner", "may sign in"],
        ["ben@example.com", "member", "disabled"],
    ]
    assert (await holdfast("people", "enable", "ben@example.com", **given))[0] == 0
    code, said = await holdfast("people", "password", "ben@example.com", **given)
    assert await _can_sign_in(database, "ben@example.com", said.split()[1])
    code, said = await holdfast("people", "password", "eve@example.com", **given)
    assert (code, "nobody has the e-mail address" in said) == (1, True)


async def test_a_local_stack_has_an_owner_from_the_first_run_on_and_one_made_before_gets_one(
    database: Database, tmp_path: Path
) -> None:
    file, environment = tmp_path / "tenant.json", _local()
    made = await tenant.kept_in(file, database, environment)
    assert await _can_sign_in(database, made.email, made.password)
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({name: kept[name] for name in ("organization_id", "integration_id", "api_key")}))
    again = await tenant.kept_in(file, database, environment)
    assert again.password
    assert await _can_sign_in(database, again.email, again.password)


def _local() -> dict[str, str]:
    return {
        "SEALING_KEYS": f"local:{KEYS.sealing_key}",
        "SEALING_HASH_KEY": KEYS.hash_key,
        "META_VERIFY_TOKEN": KEYS.verify_token,
    }
