"""What a batch tells of marketing: choices in WhatsApp, words that customers write, what Meta refuses for it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from intake.sorting import Sorted, trouble
from store import consents, opt_outs
from store.opt_outs import Word
from store.status_matching import Arrived, Match
from whatsapp.stop_words import heard


def words_of(items: Sorted, conversations: Sequence[UUID]) -> list[Word]:
    """The messages that are nothing but a stop word or its contrary; theirs are the first of the conversations.

    What is said in a group is said to the group.
    """
    words = []
    for (_, message, number), conversation_id in zip(items.messages, conversations, strict=False):
        choice = heard(message.type, message.content, number.stop_words)
        if choice is not None and message.group_id is None:
            of_it = number.organization_id, number.id, conversation_id
            words.append(Word(*of_it, message.wamid, choice, message.timestamp))
    return words


async def lock_choosing(
    connection: AsyncConnection,
    items: Sorted,
    words: Sequence[Word],
    matches: Sequence[Match | None],
    *,
    people: Collection[UUID],
) -> list[UUID | None]:
    """Lock all contacts of whom something is told, before any conversation; answers those of the choices, in order.

    `people` are contacts that are about to be written to: locked here too, or not yet, so that all are in one order.
    """
    choosers = await opt_outs.contacts_of(connection, items.chosen)
    refused = [
        match.conversation_id
        for one, match in zip(items.statuses, matches, strict=True)
        if match is not None and _tells_of_an_opt_out(one)
    ]
    known = {contact_id for contact_id in choosers if contact_id is not None}
    of_conversations = [*(word.conversation_id for word in words), *refused]
    if known or of_conversations:
        await consents.lock(connection, known | set(people), of_conversations=of_conversations)
    return choosers


def _tells_of_an_opt_out(one: Arrived) -> bool:
    error = one.status.error
    return error is not None and trouble(error, one.organization_id, one.integration_id).verdict.effect == "opt_out"
