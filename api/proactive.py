"""Writing first: a template to somebody who need not have written before."""

from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field, model_validator

from api import consent_examples as examples
from api.auth import Caller, Store
from api.contracts import POLICY, IdempotencyKey, Instant
from api.examples import answers
from api.named_people import NamedPerson
from api.sending import Kind
from api.template_desk import AtMeta
from store.integrations import UnknownPolicy
from store.outbox import Draft
from store.proactive import Addressee, WrittenFirst, queue_first

router = APIRouter(prefix="/api/v1/whatsapp", tags=["Messages"])


class SendFirst(NamedPerson):
    """A template to a person. Name exactly one of to and user_id; a number where the organization has several."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.FIRST]})

    integration_id: UUID | None = Field(default=None, description="From which number; the only one may be left out.")
    phone_number_id: str | None = Field(
        default=None, pattern=r"^[0-9]{1,32}$", description="The same by Meta's id of the number."
    )
    type: Literal["template"] = "template"
    template: Annotated[Any, Kind("template")] = Field(
        description="Meta's shape: `name`, `language.code`, and `components` with values."
    )
    send_before: Instant | None = Field(
        default=None, description="If it could not leave by then it ends `expired` and is not sent."
    )
    unknown_policy: UnknownPolicy | None = Field(default=None, description=f"{POLICY} By default what the number says.")

    @model_validator(mode="after")
    def _from_one(self) -> "SendFirst":
        if self.integration_id is not None and self.phone_number_id is not None:
            raise ValueError("name at most one of integration_id and phone_number_id")
        return self

    def addressee(self) -> Addressee:
        """To whom it goes, and from where."""
        return Addressee(self.to, self.user_id, self.integration_id, self.phone_number_id)

    def draft(self) -> Draft:
        """What is sent."""
        return Draft(self.type, {"template": self.template}, self.send_before, self.unknown_policy)


@router.post("/send-proactive-message", status_code=202, responses=answers(202, examples.SENT, 401, 404, 409, 422, 503))
async def send_proactive_message(
    organization_id: Caller,
    database: Store,
    templates: AtMeta,
    message: SendFirst,
    idempotency_key: IdempotencyKey = None,
) -> WrittenFirst:
    """Queue a template to a person, who becomes a contact if they are none yet. It is on disk when this answers.

    A template of the category marketing is refused with `opted_out` for those who have stopped marketing.
    """
    queue = partial(
        queue_first,
        database,
        organization_id=organization_id,
        to=message.addressee(),
        draft=message.draft(),
        idempotency_key=idempotency_key,
    )
    return await templates.knowing(queue)
