"""`holdfast people`: the accounts of those who sign in to the console."""

import asyncio
import secrets
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from cli.errors import CommandError
from cli.keys import KnownOrganization, Organization, known_organization, organization_named, with_database

if TYPE_CHECKING:
    from store.engine import Database
    from store.people import Person

people = typer.Typer(no_args_is_help=True, help="People who sign in to the console.")

_Email = Annotated[str, typer.Argument(help="The e-mail address they sign in with.")]


@people.command()
def create(
    organization: Organization,
    email: _Email,
    name: Annotated[str, typer.Option(help="How the console calls them; by default what stands before the @.")] = "",
    role: Annotated[Literal["owner", "member"], typer.Option(help="Owners also manage people.")] = "owner",
    ask: Annotated[bool, typer.Option("--ask", help="Ask for a password instead of making one up.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Create an account and show its password, this once."""
    password = _asked() if ask else made_up_password()

    async def work(database: "Database") -> UUID:
        from store.passwords import Passwords
        from store.people import create_person

        owner = await organization_named(database, organization)
        await create_person(
            database,
            Passwords(),
            organization_id=owner,
            email=email,
            name=name or email.partition("@")[0],
            password=password,
            role=role,
        )
        return owner

    owner = asyncio.run(with_database(work))
    print(f"Organization  {owner}")
    print(f"E-mail        {email.strip()}")
    if not ask:
        print(f"Password      {password}   (shown this once)")


@people.command("list")
def show(organization: KnownOrganization) -> None:
    """List an organization's people."""

    async def work(database: "Database") -> "list[Person]":
        from store.people import list_people

        return await list_people(database, await known_organization(database, organization))

    for person in asyncio.run(with_database(work)):
        state = "disabled" if person.disabled_at else "may sign in"
        print(f"{person.email:40} {person.role:7} {state}")


@people.command()
def disable(email: _Email) -> None:
    """Take the right to sign in; their sessions end at once."""
    asyncio.run(with_database(lambda database: _switch(database, email, disabled=True)))
    print("The account is disabled and its sessions have ended.")


@people.command()
def enable(email: _Email) -> None:
    """Give the right to sign in back."""
    asyncio.run(with_database(lambda database: _switch(database, email, disabled=False)))
    print("The account may sign in.")


@people.command()
def password(
    email: _Email,
    ask: Annotated[bool, typer.Option("--ask", help="Ask for a password instead of making one up.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Set a new password and show it, this once; their sessions end at once."""
    chosen = _asked() if ask else made_up_password()

    async def work(database: "Database") -> None:
        from store.passwords import Passwords
        from store.people import set_password

        person = await _known(database, email)
        await set_password(
            database, Passwords(), organization_id=person.organization_id, person_id=person.id, password=chosen
        )

    asyncio.run(with_database(work))
    if not ask:
        print(f"Password  {chosen}   (shown this once)")


def made_up_password() -> str:
    """One that nobody guesses: 120 bits."""
    return secrets.token_urlsafe(15)


def _asked() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


async def _switch(database: "Database", email: str, *, disabled: bool) -> None:
    from store.people import set_disabled

    person = await _known(database, email)
    await set_disabled(database, organization_id=person.organization_id, person_id=person.id, disabled=disabled)


async def _known(database: "Database", email: str) -> "Person":
    from store.people import person_with_email

    person = await person_with_email(database, email)
    if person is None:
        raise CommandError(f"nobody has the e-mail address {email}: `holdfast people list` shows who there is")
    return person
