"""What API and console show of the record: one module of queries for each page or list."""
