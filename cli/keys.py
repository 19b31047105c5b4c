"""`holdfast api-keys` and `holdfast seal`: what an operator does with keys."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from cli.errors import CommandError
from settings import load

if TYPE_CHECKING:
    from store.engine import Database

T = TypeVar("T")
Organization = Annotated[str, typer.Argument(help="The organization's id or name; a new name makes a new one.")]
KnownOrganization = Annotated[str, typer.Argument(help="The organization's id or name.")]

api_keys = typer.Typer(no_args_is_help=True, help="Keys of the management API.")
seal = typer.Typer(no_args_is_help=True, help="Keys that seal tokens in the database.")


@api_keys.command()
def create(
    organization: Organization,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
) -> None:
    """Create a key and show it, this once."""
    owner, key = asyncio.run(with_database(lambda database: _create(database, organization, name)))
    print(key)
    print(f"Organization  {owner}", file=sys.stderr)  # beside what a script takes


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


async def _create(database: "Database", organization: str, name: str) -> tuple[UUID, str]:
    from store.hashing import KeyedHash
    from store.organizations import create_api_key

    keyed_hash = KeyedHash.parse(load().sealing.hash_key.get_secret_value())
    organization_id = await organization_named(database, organization)
    return organization_id, await create_api_key(database, keyed_hash, organization_id=organization_id, name=name)


async def organization_named(database: "Database", organization: str) -> UUID:
    """The organization with this id or name, or a new one of this name.

    Raises:
        CommandError: none has this id, or several have this name.
    """
    from store.organizations import create_organization

    known = await _known(database, organization)
    if known is None and _is_id(organization):
        raise CommandError(f"no organization has the id {organization}")
    return known or await create_organization(database, organization)


async def known_organization(database: "Database", organization: str) -> UUID:
    """The organization with this id or name.

    Raises:
        CommandError: none is called so, or several are.
    """
    known = await _known(database, organization)
    if known is None:
        raise CommandError(f"no organization is called {organization}")
    return known


async def _known(database: "Database", organization: str) -> UUID | None:
    from store.organizations import organizations_called

    called = await organizations_called(database, organization)
    if len(called) > 1:
        ids = ", ".join(map(str, called))
        raise CommandError(f"{len(called)} organizations are called {organization}: name one by its id, {ids}")
    return called[0] if called else None


def _is_id(organization: str) -> bool:
    try:
        UUID(organization)
    except ValueError:
        return False
    return True


async def with_database(work: "Callable[[Database], Awaitable[T]]") -> T:
    """Do some work with the settings' database."""
    from store.engine import Database

    database = Database.connect(load().database.url.get_secret_value(), pool_size=1)
    try:
        return await work(database)
    finally:
        await database.close()
