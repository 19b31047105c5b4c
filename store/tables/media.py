"""Files that messages carry: where they are kept, how they got here and what Meta calls them."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, Uuid, text

from store.tables.base import created_column, id_column, instant, metadata, one_of, organization_column
from whatsapp.kinds import FILES

MEDIA_STATES = ("waiting", "stored", "lost")

media = Table(
    "media",
    metadata,
    id_column(),
    organization_column(),
    # in: a customer sent it. out: the business gave it to us, to be sent.
    Column("direction", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # waiting: to be fetched from Meta. stored: under `object_key`. lost: it never will be; `says` why.
    Column("state", Text, nullable=False),
    # Of a customer's, from here to `fetch_before`: whose it is, Meta's id of it and until when Meta keeps it.
    Column("integration_id", Uuid, ForeignKey("integrations.id")),
    Column("conversation_id", Uuid, ForeignKey("conversations.id")),
    # No foreign key: messages point here too, and a ring of tables has no order.
    Column("message_id", Uuid, unique=True),
    Column("meta_media_id", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    instant("next_at"),
    instant("fetch_before"),
    # As told by whoever sent it until it is stored, and as found then.
    Column("mime_type", Text),
    Column("filename", Text),
    Column("size", BigInteger),
    Column("sha256", LargeBinary),
    Column("object_key", Text),
    Column("says", Text),
    instant("stored_at"),
    created_column(),
    one_of("direction", "direction", ("in", "out")),
    one_of("kind", "kind", FILES),
    one_of("state", "state", MEDIA_STATES),
    Index("ix_media_conversation_id", "conversation_id", postgresql_where=text("state = 'waiting'")),
    Index("ix_media_integration_id", "integration_id", postgresql_where=text("state = 'waiting'")),
)

# A file of the business's as one number knows it at Meta: reused by all that is sent from it until the id expires.
media_uploads = Table(
    "media_uploads",
    metadata,
    Column("media_id", Uuid, ForeignKey("media.id"), primary_key=True),
    Column("integration_id", Uuid, ForeignKey("integrations.id"), primary_key=True),
    organization_column(),
    Column("meta_media_id", Text, nullable=False),
    instant("uploaded_at", nullable=False),
    instant("expires_at", nullable=False),
)
