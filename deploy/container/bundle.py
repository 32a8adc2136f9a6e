"""An OCI bundle of an image as it is to be run: `bundle.py IMAGE.json ROOT STATE BUNDLE [NAME=VALUE...]`.

IMAGE.json is what `buildah inspect --type image` tells; command, user, environment and volume are the image's.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NAMESPACES = ("pid", "mount", "ipc", "uts")
"""All but the network's: the exchange is on the loopback of the host."""
DEVICES = {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755"]}


def bundle(image: dict[str, Any], root: str, state: str, variables: list[str]) -> dict[str, Any]:
    """The runtime's configuration: root read-only, the one volume, a small /tmp, no capability at all."""
    told = image["Docker"]["config"]
    uid, gid = (int(part) for part in told["User"].split(":"))
    (volume,) = told["Volumes"]
    return {
        "ociVersion": "1.0.2",
        "hostname": "arbbot",
        "root": {"path": root, "readonly": True},
        "process": {
            "args": told["Entrypoint"] + told["Cmd"],
            "cwd": told["WorkingDir"],
            "env": told["Env"] + variables,
            "user": {"uid": uid, "gid": gid},
            "noNewPrivileges": True,
            "capabilities": {name: [] for name in ("bounding", "effective", "inheritable", "permitted", "ambient")},
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            DEVICES,
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=16m", "mode=1777"]},  # noqa: S108
            {"destination": volume, "type": "bind", "source": state, "options": ["bind", "rw", "nosuid", "nodev"]},
        ],
        "linux": {"namespaces": [{"type": name} for name in NAMESPACES]},
    }


if __name__ == "__main__":
    inspected, root, state, directory, *variables = sys.argv[1:]
    made = bundle(json.loads(Path(inspected).read_text("utf-8")), root, state, variables)
    Path(directory, "config.json").write_text(json.dumps(made, indent=2), "utf-8")
