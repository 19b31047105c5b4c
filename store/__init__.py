"""Postgres, the record: the schema and one module of queries per subject."""
