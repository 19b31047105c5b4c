"""Lists in pages by keyset: a page begins after the last row of the one before, whatever came or went meanwhile.

Why not by offset: docs/decisions/0011-keyset-paging.md.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, RowMapping, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from store.errors import InvalidRequestError

Item = TypeVar("Item")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# What a bigint holds; as microseconds it stays within the years that datetime knows.
_BIGGEST = 2**57


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is wanted: `limit` rows after the place that `cursor` names (None: from the top)."""

    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list; `next_cursor` asks for what follows and is null at the end."""

    items: list[Item]
    next_cursor: str | None


class Keyset:
    """A list's order, newest first, by columns that are never null and together unique. `name` marks its cursors."""

    def __init__(self, name: str, *columns: ColumnElement[Any]) -> None:
        self._name = name
        self._columns = columns

    async def page(
        self,
        connection: AsyncConnection,
        query: Select[Any],
        wanted: PageRequest,
        *,
        make: Callable[[RowMapping], Item],
    ) -> Page[Item]:
        """One page of the query, which must select the order's columns; each row goes through `make`.

        Raises:
            InvalidRequestError: the cursor is not one of this list's.
        """
        if wanted.cursor is not None:
            place = [
                literal(value, column.type)
                for column, value in zip(self._columns, self._decode(wanted.cursor), strict=True)
            ]
            query = query.where(tuple_(*self._columns) < tuple_(*place))
        ordered = query.order_by(*(column.desc() for column in self._columns)).limit(wanted.limit + 1)
        rows = (await connection.execute(ordered)).mappings().all()
        shown = rows[: wanted.limit]
        more = len(rows) > wanted.limit
        return Page([make(row) for row in shown], self._encode(shown[-1]) if more else None)

    def _encode(self, row: RowMapping) -> str:
        values = [_plain(row[column]) for column in self._columns]
        return base64.urlsafe_b64encode(orjson.dumps([self._name, *values])).decode().rstrip("=")

    def _decode(self, cursor: str) -> list[object]:
        try:
            return _values(cursor, self._name, self._columns)
        except (ValueError, TypeError, binascii.Error) as error:
            raise InvalidRequestError(
                "cursor: is none of this list's.", next_step="Use next_cursor as it came, or begin without a cursor."
            ) from error


def _values(cursor: str, name: str, columns: Sequence[ColumnElement[Any]]) -> list[object]:
    marked, *values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    if marked != name:
        raise ValueError(marked)
    return [_typed(value, column) for value, column in zip(values, columns, strict=True)]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return str(value) if isinstance(value, UUID) else value


def _typed(value: object, column: ColumnElement[Any]) -> object:
    kind = column.type.python_type
    if kind is UUID:
        return UUID(value if isinstance(value, str) else "")
    if type(value) is not int or not 0 <= value < _BIGGEST:
        raise ValueError(kind)
    return _EPOCH + value * _MICROSECOND if kind is datetime else value
