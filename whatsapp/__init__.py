"""Meta's language, nothing else."""
