"""`holdfast numbers`: connect a WhatsApp number by hand, switch it on and off."""

import asyncio
import base64
import secrets
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from cli.keys import KnownOrganization, Organization, known_organization, organization_named, with_database
from settings import load

if TYPE_CHECKING:
    from store.engine import Database

numbers = typer.Typer(no_args_is_help=True, help="The WhatsApp numbers of organizations.")

_Integration = Annotated[
    UUID, typer.Argument(help="The number's integration id; GET /api/v1/whatsapp/status lists them.")
]


@numbers.command()
def connect(
    organization: Organization,
    phone_number: Annotated[str, typer.Option(help="As people dial it, with + and country code.")],
    phone_number_id: Annotated[str, typer.Option(help="Meta's id of the number.")],
    waba_id: Annotated[str, typer.Option(help="Meta's id of the WhatsApp Business Account.")],
    access_token: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Asked for when not given.")],
    agent_url: Annotated[str | None, typer.Option(help="Your agent's URL; without one an echo answers.")] = None,
    per_second: Annotated[
        int, typer.Option(help="Messages per second at Meta: 80, 1000 upgraded, 20 coexistence.")
    ] = 80,
) -> None:
    """Connect a number that is registered at Meta and whose WABA is subscribed to the app."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode() if agent_url else None
    verify_token = secrets.token_urlsafe(24)

    async def work(database: "Database") -> tuple[UUID, UUID]:
        from store.hashing import KeyedHash
        from store.integrations import connect_number
        from store.organizations import create_agent_flow
        from store.sealing import KeyRing

        sealing = load().sealing
        ring = KeyRing.parse([key.get_secret_value() for key in sealing.keys])
        hashing = KeyedHash.parse(sealing.hash_key.get_secret_value())
        owner = await organization_named(database, organization)
        kind: Literal["http", "echo"] = "http" if agent_url else "echo"
        flow = await create_agent_flow(
            database, ring, organization_id=owner, name=kind, kind=kind, url=agent_url, secret=secret
        )
        integration = await connect_number(
            database,
            ring,
            hashing,
            organization_id=owner,
            agent_flow_id=flow,
            waba_id=waba_id,
            phone_number=phone_number,
            phone_number_id=phone_number_id,
            access_token=access_token,
            verify_token=verify_token,
            per_second=per_second,
        )
        return owner, integration

    owner, integration = asyncio.run(with_database(work))
    print(f"Organization  {owner}")
    print(f"Integration   {integration}")
    print(f"Verify token  {verify_token}   (for Meta's webhook; shown this once)")
    if secret:
        print(f"Agent secret  {secret}   (signs what your agent gets; shown this once)")
    print(f"An API key    holdfast api-keys create {owner}")


@numbers.command()
def enable(organization: KnownOrganization, integration: _Integration) -> None:
    """Switch a number on: what waited leaves in order."""
    _switch(organization, integration, enabled=True)


@numbers.command()
def disable(organization: KnownOrganization, integration: _Integration) -> None:
    """Switch a number off: messages are stored and nothing is answered or sent."""
    _switch(organization, integration, enabled=False)


def _switch(organization: str, integration: UUID, *, enabled: bool) -> None:
    async def work(database: "Database") -> None:
        from store.integrations import set_enabled

        owner = await known_organization(database, organization)
        await set_enabled(database, organization_id=owner, integration_id=integration, enabled=enabled)

    asyncio.run(with_database(work))
    print("The number is switched on." if enabled else "The number is switched off.")
