"""What callers send. What they get are the store's own dataclasses, described to OpenAPI as they are."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Header, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from store.paging import PageRequest

POLICY = (
    "What to do when nobody knows whether a message arrived. `evidence`: send it again once if Meta's silence proves "
    "that it was not taken, else ask a person. `ask`: always ask. `resend`: send it again once without proof, then "
    "ask. `give_up`: by proof once, else it ends `failed`."
)


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must be an instant within the years 1 to 9999") from error


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment as callers write it, with its offset; in UTC from then on."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="The same key with the same request sends once and is answered alike, however often it comes.",
    ),
]


class Listing(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=400, description="`next_cursor` of the page before.")
    limit: int = Field(default=50, ge=1, le=200)

    def wanted(self) -> PageRequest:
        """The page to read."""
        return PageRequest(self.cursor, self.limit)


ListingQuery = Annotated[Listing, Query()]
