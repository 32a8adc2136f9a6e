"""What the scripts that boot and run it for real conclude from what they look at."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.mark.parametrize("script", ["systemd/inside-nspawn", "container/build-and-run"])
@pytest.mark.parametrize(
    ("content", "kept"), [("arbbot: DemoSecret", False), ("arbbot: well", True), ("", False), (None, False)]
)
def test_a_rehearsal_sees_no_secret_only_where_it_could(
    tmp_path: Path, script: str, content: str | None, kept: bool
) -> None:
    """A log that is missing, or was never written, is no proof."""
    function = re.search(r"^no_secret_in\(\) \{.*?^\}$", (DEPLOY / script).read_text(), re.MULTILINE | re.DOTALL)
    assert function is not None
    log = tmp_path / "log"
    if content is not None:
        log.write_text(content)
    done = subprocess.run(["bash", "-c", f"{function[0]}\nno_secret_in {log}"], capture_output=True, check=False)
    assert (done.returncode == 0) is kept
