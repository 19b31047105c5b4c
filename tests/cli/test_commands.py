"""The command line: what it prints, how it fails."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.engine import make_url

from store.engine import Database
from store.organizations import create_organization
from tests.cli.command import as_process, environment_for, holdfast
from tests.rows import change, row


async def _set_durable(database_url: str, value: str) -> None:
    """Servers of tests do not wait for the disk; a real one has to."""
    database = Database.connect(database_url)
    await change(database, f'ALTER DATABASE "{make_url(database_url).database}" SET synchronous_commit = {value}')
    await database.close()


async def test_the_doctor_is_content_with_what_works(
    database_url: str, temporal_address: str, temporal_namespace: str
) -> None:
    await _set_durable(database_url, "on")
    code, said = await as_process("doctor", **environment_for(database_url, temporal_address, temporal_namespace))
    assert (code, [line[0] for line in said.splitlines()]) == (0, ["✓"] * 4), said


async def test_the_doctor_names_each_thing_that_is_wrong_and_what_to_do() -> None:
    given = environment_for("postgresql+asyncpg://holdfast:hush@127.0.0.1:1/x") | {
        "META_APP_SECRET": "",
        "SEALING_KEYS": "x",
    }
    code, said = await holdfast("doctor", **given)
    assert code == 1
    assert [line[0] for line in said.splitlines()] == ["✗"] * 4, said
    for words in ("META_APP_SECRET is empty", "SEALING_KEYS: entry 1", "check DATABASE_URL", "check TEMPORAL_ADDRESS"):
        assert words in said
    assert "hush" not in said


async def test_a_setting_that_cannot_be_read_is_named_without_its_value() -> None:
    code, said = await as_process("doctor", API_PORT="hush")
    assert (code, "API_PORT: " in said, "hush" in said) == (2, True, False), said


async def test_an_api_key_is_made_for_a_new_organization_and_can_be_revoked(database_url: str) -> None:
    given = environment_for(database_url)
    code, key = await holdfast("api-keys", "create", "Bakery", **given)
    assert (code, key[:3]) == (0, "hf_")
    assert await holdfast("api-keys", "revoke", key.split("_")[1], **given) == (0, "The key opens nothing any more.\n")
    code, said = await holdfast("api-keys", "revoke", "nobody", **given)
    assert (code, said) == (1, "No API key has this prefix.\nCheck the id; lists show what exists.\n")


async def test_an_organization_is_called_by_its_name_or_id_and_made_only_if_its_name_is_new(
    database_url: str, database: Database
) -> None:
    given = environment_for(database_url)
    made = [await holdfast("api-keys", "create", "Florist", **given) for _ in range(2)]
    first, again = (said.split()[-1] for _, said in made)
    assert first == again
    assert (await holdfast("api-keys", "create", first.upper(), **given))[1].split()[-1] == first
    second = await create_organization(database, "Florist")
    code, said = await holdfast("api-keys", "create", "Florist", **given)
    assert (code, first in said, str(second) in said, "hf_" in said) == (1, True, True, False), said
    for command in (
        ("api-keys", "create", str(uuid4())),
        ("people", "list", "Nobody"),
        ("people", "list", str(uuid4())),
    ):
        code, said = await holdfast(*command, **given)
        assert (code, "no organization" in said) == (1, True), said


async def test_sealing_keys_rotate(database_url: str) -> None:
    code, key = await holdfast("seal", "new-key")
    assert code == 0
    given = environment_for(database_url)
    given["SEALING_KEYS"] = f"two:{key.strip()},{given['SEALING_KEYS']}"
    code, said = await holdfast("seal", "rotate", **given)
    assert (code, said) == (0, "0 values moved to the key two; the others may leave SEALING_KEYS.\n")


async def test_migrating_a_migrated_database_changes_nothing(database_url: str) -> None:
    code, said = await holdfast("migrate", **environment_for(database_url))
    assert (code, said) == (0, "The database is at this version's schema.\n")


@pytest.mark.parametrize("what", ["parked", "quarantined"])
async def test_reprocessing_nothing_says_so(database_url: str, what: str) -> None:
    code, said = await holdfast("reprocess", what, **environment_for(database_url))
    assert (code, said) == (0, "There was nothing to look at.\n")


async def test_a_number_is_connected_by_hand_and_switched_off_and_on(database_url: str, database: Database) -> None:
    given = environment_for(database_url)
    number = ("--phone-number", "+4930123456", "--phone-number-id", "111", "--waba-id", "222")
    agent = ("--access-token", "EAAhush", "--agent-url", "https://agent.example/answer")

    code, said = await holdfast("numbers", "connect", "Bakery", *number, *agent, **given)

    assert (code, "EAAhush" in said) == (0, False), said
    owner, integration = (UUID(line.split()[1]) for line in said.splitlines()[:2])
    for words in ("Verify token", "Agent secret  whsec_", f"holdfast api-keys create {owner}"):
        assert words in said
    connected = await row(database, "integrations", integration)
    assert (connected.state, connected.enabled, connected.phone_number) == ("live", True, "+4930123456")
    assert (await row(database, "agent_flows", connected.agent_flow_id)).pause_ms == 400

    for switch, enabled in (("disable", False), ("enable", True)):
        code, said = await holdfast("numbers", switch, str(owner), str(integration), **given)
        assert (code, (await row(database, "integrations", integration)).enabled) == (0, enabled), said

    code, said = await holdfast("numbers", "connect", "Florist", *number, *agent, **given)
    assert (code, "connected already" in said) == (1, True), said


async def test_the_doctor_names_a_postgres_that_may_lose_what_it_has_committed(database_url: str) -> None:
    await _set_durable(database_url, "off")
    code, said = await holdfast("doctor", **environment_for(database_url))
    assert (code, "synchronous_commit is off" in said) == (1, True), said
