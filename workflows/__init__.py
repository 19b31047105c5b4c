"""Decisions, deterministic."""
