"""Execute a program that ends when its parent process ends.

Run by path as a separate program: `python -I -S die_with_parent.py PARENT SIGNAL COMMAND...`. It
registers a parent-death signal and then executes COMMAND in its place. A `preexec_fn` would do the
same inside the fork of a multi-threaded process, where a lock held by another thread can block the
child forever.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Register SIGNAL for the end of PARENT, then execute COMMAND."""
    parent, death_signal, *command = sys.argv[1:]
    # Python ignores these two signals, and exec would pass that on to the program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != int(parent):  # it ended before the registration
            sys.exit(f"{command[0]}: the parent process has ended")
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
