"""Whom a business portfolio has written to first, of late: Meta limits how many that are in 24 hours."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, Uuid, text

from store.tables.base import instant, metadata, organization_column

# One row per portfolio, locked while a contact is counted: two workers count one after the other.
portfolios = Table(
    "portfolios",
    metadata,
    organization_column(primary_key=True),
    # Meta's id of the business; of the account where the business is not known.
    Column("portfolio", Text, primary_key=True),
    # How many rows `portfolio_contacts` has; some of them may be past their 24 hours.
    Column("contacts", Integer, nullable=False, server_default=text("0")),
    # The moment of a contact's leaving that was last promised to somebody who waits: the next one gets the next.
    instant("promised_until"),
)

portfolio_contacts = Table(
    "portfolio_contacts",
    metadata,
    organization_column(primary_key=True),
    Column("portfolio", Text, primary_key=True),
    Column("contact_id", Uuid, ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True),
    # When we last wrote to the contact outside a window.
    instant("sent_at", nullable=False),
    Index("ix_portfolio_contacts_organization_id_portfolio_sent_at", "organization_id", "portfolio", "sent_at"),
    Index("ix_portfolio_contacts_contact_id", "contact_id"),
)
