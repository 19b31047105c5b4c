"""How a process that stays loads its parts."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """While the block imports what a process is made of, nothing is looked through for garbage, nor ever after.

    It all stays. Looking for garbage among it meanwhile takes a third of the imports' processor time, and each full
    look later would stop the process for as long as going through it again takes.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
