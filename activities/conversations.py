"""A conversation's activities: what the contracts name, over the store, the post office and the agents."""

from dataclasses import dataclass, replace
from uuid import UUID

from temporalio import activity

import telemetry
from activities.agents import Agents
from activities.heartbeat import heartbeating
from activities.posting import PostOffice
from activities.receipts import Receipts
from store import turns
from store.engine import Database
from store.transitions import State as MessageState
from store.turn_plan import Conversation, Plan, Rules
from workflows.contracts import (
    AskAgent,
    AskOutcome,
    BeginTurn,
    ConversationActivities,
    FailTurn,
    Look,
    SendMessage,
    SendOutcome,
    State,
)


@dataclass(frozen=True, slots=True)
class Conversations(ConversationActivities):
    """Everything they need comes through the constructor; `worker.py` builds it."""

    database: Database
    rules: Rules
    posts: PostOffice
    agents: Agents
    receipts: Receipts

    @activity.defn(name="begin_turn")
    async def begin_turn(self, command: BeginTurn) -> Look:
        """Look at the conversation and send the first row; a read receipt goes out beside a turn that begins."""
        async with heartbeating():
            found = await turns.look(self.database, UUID(command.conversation_id), rules=self.rules)
            if found is None:
                return Look(command.conversation_id, closed=True)
            conversation, plan = found
            if plan.new_turn is not None:
                telemetry.turns.labels(state=plan.new_turn.state).inc()
                self.receipts.send(conversation, plan.new_turn)
            return await self._send_first(_look(conversation, plan))

    async def _send_first(self, look: Look) -> Look:
        """Send the first row at once: an activity of its own costs 2 ms of every exchange (docs/decisions/0041).

        The others are the workflow's, and so is a row that cannot leave, with its wait. Behind one that is in flight
        nothing can be sent: another look, which finds it under way.
        """
        if not look.to_send:
            return look
        first, others = look.to_send[0], look.to_send[1:]
        outcome = await self.posts.send(UUID(first))
        if outcome.state == MessageState.SENDING:
            return replace(look, to_send=[], more=True)
        return look if outcome.stop else replace(look, to_send=others, sent=[first])

    @activity.defn(name="send_message")
    async def send_message(self, command: SendMessage) -> SendOutcome:
        """Claim, post, record; answers within a second, the post may take longer."""
        async with heartbeating():
            return await self.posts.send(UUID(command.message_id))

    @activity.defn(name="ask_agent")
    async def ask_agent(self, command: AskAgent) -> AskOutcome:
        """Ask the turn's remote agent and queue what it answers."""
        async with heartbeating():
            return await self.agents.ask(UUID(command.turn_id), attempt=activity.info().attempt)

    @activity.defn(name="fail_turn")
    async def fail_turn(self, command: FailTurn) -> AskOutcome:
        """Record that the agent gave no answer."""
        async with heartbeating():
            return await self.agents.fail(UUID(command.turn_id), code=command.code, detail=command.detail)


def _look(conversation: Conversation, plan: Plan) -> Look:
    asking = plan.new_turn is not None and plan.new_turn.state == "asking"
    turn_id = plan.new_turn.id if plan.new_turn and asking else conversation.turn_id
    turn_no = plan.new_turn.turn_no if plan.new_turn else conversation.turn_no
    return Look(
        conversation_id=str(conversation.id),
        to_send=[str(message_id) for message_id in plan.to_send],
        more=plan.more,
        ask_turn_id=None if turn_id is None else str(turn_id),
        turn_no=turn_no or conversation.last_turn_no,
        next_in=plan.next_in,
        next_why=plan.next_why,
        pending=plan.pending,
        window_closes_in=plan.window_closes_in,
        state=_state(conversation, plan),
        waiting_for=plan.waiting_for,
        files=tuple(str(media_id) for media_id in plan.files),
        integration_id=str(conversation.integration_id) if plan.files else "",
    )


def _state(conversation: Conversation, plan: Plan) -> State:
    if plan.waiting_for:
        return "waiting"
    return "with a person" if (plan.in_charge or conversation.in_charge) == "person" else "with the bot"
