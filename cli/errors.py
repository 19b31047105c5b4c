"""What ends a command on purpose: the message says what happened and what to do."""


class CommandError(Exception):
    """A command cannot go on; it ends with `exit_code` and its message, without a traceback."""

    exit_code = 1
