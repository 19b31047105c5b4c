"""Stored webhooks become rows, rows become nudges."""
