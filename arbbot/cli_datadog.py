"""`arbbot datadog` and its options."""

from __future__ import annotations

import os
from typing import Annotated

import typer

datadog = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@datadog.callback()
def _about() -> None:
    """Datadog's dashboard and monitors as code."""


@datadog.command()
def push(
    apply: Annotated[
        bool, typer.Option("--apply", help="Send it, with DD_API_KEY and DD_APP_KEY; else only say what would be sent.")
    ] = False,
    notify: Annotated[
        str, typer.Option("--notify", metavar="WHOM", help="Whom monitors call, as in '@pagerduty-x @ops@example.com'.")
    ] = "",
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Whose monitors they are.")] = "trading",
    scope: Annotated[
        str, typer.Option("--scope", metavar="TAGS", help="What they watch, as in service:arbbot,env:prod.")
    ] = "service:arbbot",
    runbooks: Annotated[
        str, typer.Option("--runbooks", metavar="URL", help="Where the runbook pages are served, to its last slash.")
    ] = "docs/runbook/",
    site: Annotated[str, typer.Option("--site", metavar="SITE", help="Else $DD_SITE, else datadoghq.com.")] = "",
    api_url: Annotated[
        str | None, typer.Option("--api-url", metavar="URL", help="Instead of https://api.SITE, as of a proxy.")
    ] = None,
) -> int:
    """Create the dashboard and the monitors, or bring them up to date."""
    from arbbot.bootstrap.datadog_push import Target
    from arbbot.bootstrap.datadog_push import push as send
    from arbbot.telemetry.datadog_json import Choices

    target = Target(site or os.environ.get("DD_SITE", "") or "datadoghq.com", api_url)
    return send(target, Choices(scope, owner, notify, runbooks), apply=apply)
