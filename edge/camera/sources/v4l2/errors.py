"""Why a camera cannot be used, and the remedy: one sentence for each error of the system."""

import errno
import os
from pathlib import Path

OWNER_AND_GROUP = 0o660


def host_path(node: Path, devices: Path) -> str:
    """A node's name as the host knows it, whatever `devices` is called in the container."""
    return f"/dev/{node.relative_to(devices)}" if node.is_relative_to(devices) else str(node)


def explain_os_error(error: OSError, node: Path, devices: Path) -> str:
    """What the system's error means and what to do, as a sentence."""
    remedies = {
        errno.ENOENT: "no camera is plugged in there; plug it in, or name another in CAMERA_SOURCE",
        errno.ENXIO: "the camera was unplugged; plug it in again",
        errno.ENODEV: "the camera was unplugged; plug it in again",
        errno.EBUSY: "another program uses the camera; close it",
        errno.EACCES: _group_remedy(node),
        errno.EPERM: "the container may not use it; start it with the shipped docker-compose.edge.yml",
        errno.ENOSPC: "its USB bandwidth is taken by other devices (this is not about disks); give it a port of its "
        "own, or lower FRAME_WIDTH and FRAME_HEIGHT",
        errno.EIO: "the camera or its cable fails; plug it in again, or try another port",
        errno.EPROTO: "the camera or its cable fails; plug it in again, or try another port",
        errno.ETIMEDOUT: "the camera does not answer; plug it in again, or try another port",
        errno.ENOTTY: "it is not a camera; name another in CAMERA_SOURCE",
        errno.EINVAL: "its driver rejects what is requested; try other values of FRAME_WIDTH and FRAME_HEIGHT",
    }
    remedy = remedies.get(error.errno or 0, "plug it in again, or name another in CAMERA_SOURCE")
    return f"Cannot use the camera {host_path(node, devices)} ({error.strerror}): {remedy}."


def _group_remedy(node: Path) -> str:
    try:
        found = node.stat()
    except OSError:
        return "its group must be allowed; set VIDEO_GID in .env"
    if found.st_mode & OWNER_AND_GROUP != OWNER_AND_GROUP:
        return "only its owner may use it; give it a group on the host, by a udev rule with GROUP and MODE=0660"
    if found.st_gid in {os.getegid(), *os.getgroups()}:
        return "its group is right, so SELinux or AppArmor forbids it; let them allow it on the host"
    return f"it belongs to group {found.st_gid}; set VIDEO_GID={found.st_gid} in .env"
