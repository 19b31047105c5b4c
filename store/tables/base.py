"""What every table is built of."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, MetaData, Uuid, func

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column() -> Column[object]:
    """A UUIDv7 made in Python."""
    return Column("id", Uuid, primary_key=True)


def organization_column(*, primary_key: bool = False) -> Column[object]:
    """Whose the row is: every query names it."""
    return Column("organization_id", Uuid, ForeignKey("organizations.id"), nullable=False, primary_key=primary_key)


def created_column() -> Column[object]:
    """When the row was made, by Postgres's clock."""
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def instant(name: str, *, nullable: bool = True) -> Column[object]:
    """A moment, aware of its zone."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def one_of(name: str, column: str, values: tuple[str, ...]) -> CheckConstraint:
    """A column that takes one of these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)
