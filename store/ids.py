"""Ids of our rows."""

from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """A UUIDv7: unique everywhere, and in the order of creation, so that indexes grow at their end."""
    return UUID(int=uuid_utils.uuid7().int)
