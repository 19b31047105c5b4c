"""Messages: those of which nobody knows whether they arrived, and the story of one, with what can be decided about it.

What is decided here is decided as the API does it.
"""

from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from api.console.message_words import AUTHORS, POLICIES, STATUSES, content_of, of_attempt, of_message, of_settled, short
from api.console.office import Visit, back, signed_in, text
from store.decisions import decide
from store.errors import InvalidRequestError
from store.paging import PageRequest
from store.reading.integrations import list_integrations
from store.reading.messages import message_story
from store.reading.undecided import WaitsFor, list_unknown
from store.settlements import Decision

PATH = "/console/messages"
_PER_PAGE = 25
_NUMBERS = 200
_DIGITS_OF_AN_ATTEMPT = 5

SAID = {
    "resend": "It is queued again and leaves after what its conversation has queued already.",
    "give_up": "It is given up. Should Meta tell later that it arrived, that counts.",
}


async def listed(visit: Visit) -> Response:
    """Messages of unknown outcome, the newest first."""
    query, database, organization_id = visit.request.query_params, visit.database, visit.session.organization_id
    waits_for: WaitsFor = "status" if query.get("waits_for") == "status" else "person"
    numbers = (await list_integrations(database, organization_id, PageRequest(limit=_NUMBERS), disconnected=True)).items
    chosen = next((number for number in numbers if str(number.id) == query.get("number")), None)
    page = await list_unknown(
        database,
        organization_id,
        PageRequest(query.get("cursor"), _PER_PAGE),
        integration_id=None if chosen is None else chosen.id,
        waits_for=waits_for,
    )
    return visit.show(
        "messages.html",
        messages=[(unknown, short(unknown.message)) for unknown in page.items],
        waits_for=waits_for,
        numbers=numbers,
        chosen=chosen,
        next_cursor=page.next_cursor,
        first=query.get("cursor") is None,
    )


async def show(visit: Visit) -> Response:
    """One message."""
    story = await message_story(visit.database, visit.session.organization_id, _id(visit))
    return visit.show(
        "message.html",
        story=story,
        message=story.message,
        headline=of_message(story),
        said=SAID.get(visit.request.query_params.get("said", "")),
        content=content_of(story.message),
        attempts=[(attempt, *of_attempt(attempt)) for attempt in story.attempts],
        settled=[(one, of_settled(one)) for one in story.outcome.settled] if story.outcome else [],
        statuses=[(status, STATUSES.get(status.status, "calm")) for status in story.statuses],
        authors=AUTHORS,
        policies=POLICIES,
    )


async def act(visit: Visit) -> Response:
    """What a person decides about it."""
    form = await visit.form()
    decision, attempt = text(form, "do"), text(form, "attempt")
    if decision not in SAID or not (attempt.isascii() and attempt.isdigit() and len(attempt) <= _DIGITS_OF_AN_ATTEMPT):
        raise InvalidRequestError("The form is not one of this page.", next_step="Load the page again.")
    decided: Decision = "resend" if decision == "resend" else "give_up"
    await decide(
        visit.database,
        organization_id=visit.session.organization_id,
        message_id=_id(visit),
        decision=decided,
        by=visit.by,
        attempt=int(attempt),
    )
    return back(f"{PATH}/{_id(visit)}", decided)


def _id(visit: Visit) -> UUID:
    message_id: UUID = visit.request.path_params["message_id"]
    return message_id


ROUTES = [
    Route(PATH, signed_in(listed), methods=["GET"]),
    Route(PATH + "/{message_id:uuid}", signed_in(show), methods=["GET"]),
    Route(PATH + "/{message_id:uuid}", signed_in(act), methods=["POST"]),
]
