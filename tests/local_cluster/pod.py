"""Become the process of a pod: `python -I pod.py PLAN`, as root, in the pod's network namespace.

This file is run by its path. `ip netns exec` gives it its own mounts, which end with it. Its root
is read-only and has the system's programs and the files in PLAN.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38

SYSTEM = ["/bin", "/lib", "/lib64", "/sbin", "/usr", "/proc"]
SYSTEM += ["/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"]
SYSTEM += ["/etc/group", "/etc/hosts", "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/passwd"]


def main() -> None:
    """Mount the root, change to it, drop all privileges, and execute the command."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    root, parent = Path(plan["root"]), os.getppid()
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", root)
    for at in map(Path, SYSTEM):
        if at.is_symlink():
            (root / at.name).symlink_to(at.readlink())
        elif at.exists():
            bind(at, root / at.relative_to("/"))
    for source, path in plan["binds"]:
        bind(Path(source), root / path.lstrip("/"))
    for path, size in plan["scratch"]:
        place(root / path.lstrip("/"), is_folder=True)
        mount("-t", "tmpfs", "-o", f"mode=1777,size={size}", "tmpfs", root / path.lstrip("/"))
    mount("-o", "remount,ro", root)

    os.chroot(root)
    os.chdir(plan["folder"])
    os.setgroups([])
    os.setgid(plan["group"])
    os.setuid(plan["user"])
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # A change of the user resets the signal for the parent's death.
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started it is gone")
    os.environ.clear()
    os.environ.update(plan["env"])
    os.execvpe(plan["command"][0], plan["command"], plan["env"])


def bind(source: Path, target: Path) -> None:
    """Show a file or folder at another place, with all that is mounted below it."""
    place(target, is_folder=source.is_dir())
    mount("--rbind", source, target)


def place(target: Path, is_folder: bool) -> None:
    """Something to mount on."""
    (target if is_folder else target.parent).mkdir(parents=True, exist_ok=True)
    if not is_folder:
        target.touch()


def mount(*arguments: "str | Path") -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    main()
