"""`holdfast api-keys` and `holdfast seal`: what an operator does with keys."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from settings import load

if TYPE_CHECKING:
    from store.engine import Database

T = TypeVar("T")

api_keys = typer.Typer(no_args_is_help=True, help="Keys of the management API.")
seal = typer.Typer(no_args_is_help=True, help="Keys that seal tokens in the database.")


@api_keys.command()
def create(
    organization: Annotated[str, typer.Argument(help="The organization's id, or the name of a new one.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
) -> None:
    """Create a key and show it, this once."""
    print(asyncio.run(with_database(lambda database: _create(database, organization, name))))


@api_keys.command()
def revoke(prefix: Annotated[str, typer.Argument(help="What stands between the key's first two underscores.")]) -> None:
    """Take a key's power at once."""
    from store.key_rotation import revoke_api_key

    asyncio.run(with_database(lambda database: revoke_api_key(database, prefix)))
    print("The key opens nothing any more.")


@seal.command("new-key")
def new_key() -> None:
    """Make the base64 of 32 random bytes: for SEALING_HASH_KEY, or with an id and a colon for SEALING_KEYS."""
    from store.sealing import new_key as made

    print(made())


@seal.command()
def rotate() -> None:
    """Move everything sealed to the first key of SEALING_KEYS; run it with every process knowing that key."""
    from store.key_rotation import reseal
    from store.sealing import KeyRing

    ring = KeyRing.parse([key.get_secret_value() for key in load().sealing.keys])
    moved = asyncio.run(with_database(lambda database: reseal(database, ring)))
    print(f"{moved} values moved to the key {ring.sealing_key_id}; the others may leave SEALING_KEYS.")


async def _create(database: "Database", organization: str, name: str) -> str:
    from store.hashing import KeyedHash
    from store.organizations import create_api_key

    keyed_hash = KeyedHash.parse(load().sealing.hash_key.get_secret_value())
    organization_id = await organization_named(database, organization)
    return await create_api_key(database, keyed_hash, organization_id=organization_id, name=name)


async def organization_named(database: "Database", organization: str) -> UUID:
    """The organization with this id, or a new one of this name."""
    from store.organizations import create_organization

    try:
        return UUID(organization)
    except ValueError:
        return await create_organization(database, organization)


async def with_database(work: "Callable[[Database], Awaitable[T]]") -> T:
    """Do some work with the settings' database."""
    from store.engine import Database

    database = Database.connect(load().database.url.get_secret_value(), pool_size=1)
    try:
        return await work(database)
    finally:
        await database.close()
