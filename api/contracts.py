"""What callers send. What they get are the store's own dataclasses, described to OpenAPI as they are."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from store.paging import PageRequest

POLICY = (
    "What to do when nobody knows whether a message arrived. `evidence`: send it again once if Meta's silence proves "
    "that it was not taken, else ask a person. `ask`: always ask. `resend`: send it again once without proof, then "
    "ask. `give_up`: by proof once, else it ends `failed`."
)


class Listing(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=400, description="`next_cursor` of the page before.")
    limit: int = Field(default=50, ge=1, le=200)

    def wanted(self) -> PageRequest:
        """The page to read."""
        return PageRequest(self.cursor, self.limit)


ListingQuery = Annotated[Listing, Query()]
