"""The command line, as processes: what it prints, how it fails."""

import asyncio
import os
import sys
from uuid import UUID

import pytest
from sqlalchemy.engine import make_url

from cli.stack import Secrets
from store.engine import Database
from tests.rows import change, row

_KEYS = Secrets()


async def _holdfast(*words: str, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", *words),
        env={**os.environ, "COLUMNS": "200", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def _environment(database_url: str, temporal_address: str = "127.0.0.1:1", namespace: str = "main") -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal_address,
        "TEMPORAL_NAMESPACE": namespace,
        "META_APP_SECRET": _KEYS.app_secret,
        "SEALING_KEYS": f"one:{_KEYS.sealing_key}",
        "SEALING_HASH_KEY": _KEYS.hash_key,
    }


async def _set_durable(database_url: str, value: str) -> None:
    """Servers of tests do not wait for the disk; a real one has to."""
    database = Database.connect(database_url)
    await change(database, f'ALTER DATABASE "{make_url(database_url).database}" SET synchronous_commit = {value}')
    await database.close()


async def test_the_doctor_is_content_with_what_works(
    database_url: str, temporal_address: str, temporal_namespace: str
) -> None:
    await _set_durable(database_url, "on")
    code, said = await _holdfast("doctor", **_environment(database_url, temporal_address, temporal_namespace))
    assert (code, [line[0] for line in said.splitlines()]) == (0, ["✓"] * 4), said


async def test_the_doctor_names_each_thing_that_is_wrong_and_what_to_do() -> None:
    given = _environment("postgresql+asyncpg://holdfast:hush@127.0.0.1:1/x") | {
        "META_APP_SECRET": "",
        "SEALING_KEYS": "x",
    }
    code, said = await _holdfast("doctor", **given)
    assert code == 1
    assert [line[0] for line in said.splitlines()] == ["✗"] * 4, said
    for words in ("META_APP_SECRET is empty", "SEALING_KEYS: entry 1", "check DATABASE_URL", "check TEMPORAL_ADDRESS"):
        assert words in said
    assert "hush" not in said


async def test_a_setting_that_cannot_be_read_is_named_without_its_value() -> None:
    code, said = await _holdfast("doctor", API_PORT="hush")
    assert (code, "API_PORT: " in said, "hush" in said) == (2, True, False), said


async def test_an_api_key_is_made_for_a_new_organization_and_can_be_revoked(database_url: str) -> None:
    given = _environment(database_url)
    code, key = await _holdfast("api-keys", "create", "Bakery", **given)
    assert (code, key[:3]) == (0, "hf_")
    assert await _holdfast("api-keys", "revoke", key.split("_")[1], **given) == (0, "The key opens nothing any more.\n")
    code, said = await _holdfast("api-keys", "revoke", "nobody", **given)
    assert (code, said) == (1, "No API key has this prefix.\nCheck the id; lists show what exists.\n")


async def test_sealing_keys_rotate(database_url: str) -> None:
    code, key = await _holdfast("seal", "new-key")
    assert code == 0
    given = _environment(database_url)
    given["SEALING_KEYS"] = f"two:{key.strip()},{given['SEALING_KEYS']}"
    code, said = await _holdfast("seal", "rotate", **given)
    assert (code, said) == (0, "0 values moved to the key two; the others may leave SEALING_KEYS.\n")


async def test_migrating_a_migrated_database_changes_nothing(database_url: str) -> None:
    code, said = await _holdfast("migrate", **_environment(database_url))
    assert (code, said) == (0, "The database is at this version's schema.\n")


@pytest.mark.parametrize("what", ["parked", "quarantined"])
async def test_reprocessing_nothing_says_so(database_url: str, what: str) -> None:
    code, said = await _holdfast("reprocess", what, **_environment(database_url))
    assert (code, said) == (0, "There was nothing to look at.\n")


async def test_a_number_is_connected_by_hand_and_switched_off_and_on(database_url: str, database: Database) -> None:
    given = _environment(database_url)
    number = ("--phone-number", "+4930123456", "--phone-number-id", "111", "--waba-id", "222")
    agent = ("--access-token", "EAAhush", "--agent-url", "https://agent.example/answer")

    code, said = await _holdfast("numbers", "connect", "Bakery", *number, *agent, **given)

    assert (code, "EAAhush" in said) == (0, False), said
    owner, integration = (UUID(line.split()[1]) for line in said.splitlines()[:2])
    for words in ("Verify token", "Agent secret  whsec_", f"holdfast api-keys create {owner}"):
        assert words in said
    connected = await row(database, "integrations", integration)
    assert (connected.state, connected.enabled, connected.phone_number) == ("live", True, "+4930123456")
    assert (await row(database, "agent_flows", connected.agent_flow_id)).pause_ms == 400

    for switch, enabled in (("disable", False), ("enable", True)):
        code, said = await _holdfast("numbers", switch, str(owner), str(integration), **given)
        assert (code, (await row(database, "integrations", integration)).enabled) == (0, enabled), said

    code, said = await _holdfast("numbers", "connect", "Florist", *number, *agent, **given)
    assert (code, "connected already" in said) == (1, True), said


async def test_the_doctor_names_a_postgres_that_may_lose_what_it_has_committed(database_url: str) -> None:
    await _set_durable(database_url, "off")
    code, said = await _holdfast("doctor", **_environment(database_url))
    assert (code, "synchronous_commit is off" in said) == (1, True), said
