"""The ground the other tests stand on."""

from sqlalchemy import text
from temporalio.client import Client

from store.engine import Database

_COUNT = text("SELECT count(*) FROM organizations")
_INSERT = text("INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'here')")


async def test_a_test_gets_a_migrated_database_of_its_own(database: Database) -> None:
    async with database.transaction() as connection:
        assert await connection.scalar(_COUNT) == 0
        await connection.execute(_INSERT)


async def test_a_second_test_does_not_see_what_the_first_one_wrote(database: Database) -> None:
    async with database.transaction() as connection:
        assert await connection.scalar(_COUNT) == 0
        await connection.execute(_INSERT)


async def test_a_test_gets_a_temporal_namespace_with_our_search_attributes(temporal_client: Client) -> None:
    assert (await temporal_client.count_workflows("WaOrganization = 'none'")).count == 0
