"""The check of a number: Meta's side read, compared with ours, repaired where that is safe, else told."""

from activities.checks.number_checks import CheckedSchedules, NumberChecks

__all__ = ["CheckedSchedules", "NumberChecks"]
