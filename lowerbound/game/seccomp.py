"""System calls that a party in the sandbox may not make, as a filter that bubblewrap loads (classic BPF).

Namespaces hide files, processes and networks. These calls reach around them, into what the kernel keeps for everybody:
keyrings, pages of files in memory, events on files, counters of the machine, and other processes.
"""

from __future__ import annotations

import errno
import platform
import struct

UNKNOWN, FORBIDDEN = errno.ENOSYS, errno.EPERM
REFUSED: dict[str, tuple[int, tuple[int, int]]] = {
    # keyrings, which no namespace separates
    "add_key": (UNKNOWN, (248, 217)),
    "request_key": (UNKNOWN, (249, 218)),
    "keyctl": (UNKNOWN, (250, 219)),
    # which pages of a file are in memory
    "mincore": (UNKNOWN, (27, 232)),
    "cachestat": (UNKNOWN, (451, 451)),
    "preadv2": (UNKNOWN, (327, 286)),
    "userfaultfd": (UNKNOWN, (323, 282)),
    "process_madvise": (UNKNOWN, (440, 440)),
    "fadvise64": (FORBIDDEN, (221, 223)),
    "readahead": (FORBIDDEN, (187, 213)),
    # what another party did to a file that both can read
    "inotify_init1": (UNKNOWN, (294, 26)),
    "inotify_add_watch": (UNKNOWN, (254, 27)),
    "fanotify_init": (UNKNOWN, (300, 262)),
    "name_to_handle_at": (UNKNOWN, (303, 264)),
    "open_by_handle_at": (UNKNOWN, (304, 265)),
    # counters of the machine, and programs in the kernel
    "perf_event_open": (UNKNOWN, (298, 241)),
    "bpf": (UNKNOWN, (321, 280)),
    "io_uring_setup": (UNKNOWN, (425, 425)),
    "io_uring_enter": (UNKNOWN, (426, 426)),
    "io_uring_register": (UNKNOWN, (427, 427)),
    "syslog": (FORBIDDEN, (103, 116)),
    "quotactl": (FORBIDDEN, (179, 60)),
    # other processes, and more rights than a party has
    "ptrace": (FORBIDDEN, (101, 117)),
    "process_vm_readv": (FORBIDDEN, (310, 270)),
    "process_vm_writev": (FORBIDDEN, (311, 271)),
    "kcmp": (FORBIDDEN, (312, 272)),
    "pidfd_getfd": (FORBIDDEN, (438, 438)),
    "unshare": (FORBIDDEN, (272, 97)),
    "setns": (FORBIDDEN, (308, 268)),
    "mount": (FORBIDDEN, (165, 40)),
    "umount2": (FORBIDDEN, (166, 39)),
    "pivot_root": (FORBIDDEN, (155, 41)),
    "open_tree": (FORBIDDEN, (428, 428)),
    "move_mount": (FORBIDDEN, (429, 429)),
    "fsopen": (FORBIDDEN, (430, 430)),
    "mount_setattr": (FORBIDDEN, (442, 442)),
}
"""Name -> what it answers, and its number on (x86_64, aarch64)."""

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine -> which number of REFUSED, and AUDIT_ARCH_* of its kernel interface."""

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, KILL, ANSWER = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER_AT, ARCHITECTURE_AT = 0, 4
OTHER_ABI = 0x40000000
"""On x86_64, system calls of the x32 interface have numbers from here on; nothing uses them."""


def program(machine: str | None = None) -> bytes | None:
    """The filter for this machine, or None for a kind of machine whose numbers are not known here.

    Contract: under the filter each call in REFUSED fails with its error. A call by the numbers of another interface
    ends the process or fails. Every other call is as before.
    """
    known = ARCHITECTURES.get(platform.machine() if machine is None else machine)
    if known is None:
        return None
    column, architecture = known
    filter_ = _step(LOAD, ARCHITECTURE_AT) + _step(JUMP_EQUAL, architecture, 1, 0) + _step(RETURN, KILL)
    filter_ += _step(LOAD, NUMBER_AT) + _step(JUMP_AT_LEAST, OTHER_ABI, 0, 1) + _step(RETURN, ANSWER | UNKNOWN)
    for answer, numbers in REFUSED.values():
        filter_ += _step(JUMP_EQUAL, numbers[column], 0, 1) + _step(RETURN, ANSWER | answer)
    return filter_ + _step(RETURN, ALLOW)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction: code, how many to skip if the comparison holds and if not, and its constant."""
    return struct.pack("<HBBI", code, if_true, if_false, value)
