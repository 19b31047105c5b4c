"""How often an exchange is written down: commits of Postgres, and events in the histories of Temporal."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import text
from temporalio.client import Client

from bench.house import House

_COMMITS = text("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
_TOLD_LATE = 2.5
"""Seconds: Postgres's backends report what they did once a second, Temporal's visibility follows about as late."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Since a house was opened."""

    commits: int
    events: int


async def read(house: House) -> Counts:
    """What has been written until now, once everything has been reported."""
    await asyncio.sleep(_TOLD_LATE)
    async with house.database.statement() as connection:
        commits: int = (await connection.execute(_COMMITS)).scalar_one()
    client = await Client.connect(house.stack.temporal_address, namespace="default")
    runs = [run async for run in client.list_workflows("WorkflowType = 'ConversationWorkflow'")]
    lengths = [(await client.get_workflow_handle(run.id, run_id=run.run_id).describe()).history_length for run in runs]
    return Counts(commits, sum(lengths))
