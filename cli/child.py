"""Becomes a child of the supervisor: drops to an account, ties its life to the supervisor's, runs the command.

Run as a script by `cli.processes`, standard library only: `child.py <supervisor's pid> <uid:gid or -> command…`.
It replaces `preexec_fn`, which is not safe in a process that has threads. Its process id stays the command's.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Drop the account first: Linux forgets the parent-death signal when credentials change."""
    supervisor, account, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if account != "-":
        uid, gid = (int(part) for part in account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        sys.exit("the supervisor is gone")
    try:
        os.execvp(command[0], command)  # noqa: S606 - this is what a launcher is for
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


main()
