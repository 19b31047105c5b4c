"""What the worker process runs: one module per task queue, built from the settings (docs/decisions/0050)."""
