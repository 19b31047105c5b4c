"""`holdfast api-keys` and `holdfast seal`: what an operator does with keys."""

import asyncio
from typing import Annotated

import typer

from settings import load

api_keys = typer.Typer(no_args_is_help=True, help="Keys of the management API.")
seal = typer.Typer(no_args_is_help=True, help="Keys that seal tokens in the database.")


@api_keys.command()
def create(
    organization: Annotated[str, typer.Argument(help="The organization's id, or the name of a new one.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
) -> None:
    """Create a key and show it, this once."""
    print(asyncio.run(_create(organization, name)))


@seal.command("new-key")
def new_key() -> None:
    """Make the base64 of 32 random bytes: for SEALING_HASH_KEY, or with an id and a colon for SEALING_KEYS."""
    from store.sealing import new_key as made

    print(made())


async def _create(organization: str, name: str) -> str:
    from uuid import UUID

    from store.engine import Database
    from store.hashing import KeyedHash
    from store.organizations import create_api_key, create_organization

    settings = load()
    keyed_hash = KeyedHash.parse(settings.sealing.hash_key.get_secret_value())
    database = Database.connect(settings.database.url.get_secret_value(), pool_size=1)
    try:
        try:
            organization_id = UUID(organization)
        except ValueError:
            organization_id = await create_organization(database, organization)
        return await create_api_key(database, keyed_hash, organization_id=organization_id, name=name)
    finally:
        await database.close()
