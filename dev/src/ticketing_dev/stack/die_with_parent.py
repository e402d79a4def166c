"""Run a program that does not outlive the process that asked for it.

Run by path, as a program of its own: `python -I -S tether.py PARENT SIGNAL COMMAND...`. It ties
itself to its parent, then becomes the command. A `preexec_fn` would do the same inside the fork of
a process that may have threads, where a lock held by one of them can hang the child for ever.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for SIGNAL when PARENT ends, and become COMMAND."""
    parent, death_signal, *command = sys.argv[1:]
    # Python ignores these two, and what is ignored stays so in the program we become.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != int(parent):  # it ended before we were tied to it
            sys.exit(f"{command[0]}: the process that started it is gone")
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
