"""The people of the organization: who may sign in, for owners; and one's own password, for everybody."""

import secrets
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from api.console.office import Visit, back, signed_in, text
from store.errors import ConflictError, InvalidRequestError
from store.people import create_person, list_people, set_disabled, set_password, set_role

PATH = "/console/people"

SAID = {
    "disabled": "The account is disabled and its sessions have ended.",
    "enabled": "The account may sign in again.",
    "role": "The role is changed.",
}


async def show(visit: Visit) -> Response:
    """Everybody, and the form to add somebody."""
    visit.only_owners()
    return await _page(visit)


async def add(visit: Visit) -> Response:
    """Make an account; its password is made here and shown once, in the answer itself."""
    form = await visit.form()
    visit.only_owners()
    typed = {name: text(form, name) for name in ("email", "name", "role")}
    password = made_password()
    try:
        await create_person(
            visit.database,
            visit.office.passwords,
            organization_id=visit.session.organization_id,
            email=typed["email"],
            name=typed["name"] or typed["email"].partition("@")[0],
            role="owner" if typed["role"] == "owner" else "member",
            password=password,
            by=visit.session.person.id,
        )
    except (InvalidRequestError, ConflictError) as refusal:
        return await _page(visit, typed=typed, problem=f"{refusal.detail} {refusal.next_step}", status=422)
    return visit.show("password.html", email=typed["email"], password=password, is_new=True)


async def change(visit: Visit) -> Response:
    """Disable, enable, change the role, or make a new password."""
    form = await visit.form()
    visit.only_owners()
    whose = {
        "organization_id": visit.session.organization_id,
        "person_id": _id(visit),
        "by": visit.session.person.id,
    }
    match text(form, "do"):
        case "disable" | "enable" as do:
            await set_disabled(visit.database, disabled=do == "disable", **whose)
            return back(PATH, f"{do}d")
        case "owner" | "member" as role:
            await set_role(visit.database, role=role, **whose)
            return back(PATH, "role")
        case "password":
            password = made_password()
            await set_password(visit.database, visit.office.passwords, password=password, **whose)
            return visit.show("password.html", email=text(form, "email"), password=password, is_new=False)
    raise InvalidRequestError("The form is not one of this page.", next_step="Load the page again.")


def made_password() -> str:
    """One that nobody guesses: 120 bits."""
    return secrets.token_urlsafe(15)


def _id(visit: Visit) -> UUID:
    person_id: UUID = visit.request.path_params["person_id"]
    return person_id


async def _page(visit: Visit, *, typed: dict[str, str] | None = None, problem: str = "", status: int = 200) -> Response:
    everybody = await list_people(visit.database, visit.session.organization_id)
    return visit.show(
        "people.html",
        status=status,
        people=everybody,
        typed=typed or dict.fromkeys(("email", "name", "role"), ""),
        problem=problem,
        said=SAID.get(visit.request.query_params.get("said", "")),
    )


ROUTES = [
    Route(PATH, signed_in(show), methods=["GET"]),
    Route(PATH, signed_in(add), methods=["POST"]),
    Route(PATH + "/{person_id:uuid}", signed_in(change), methods=["POST"]),
]
