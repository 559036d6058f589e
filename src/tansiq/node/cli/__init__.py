"""The command line ``tansiq``: everything a node can do, for people at a terminal and for scripts (``--json``).

Each command is one parse, one query or flow, one print. Commands that read or change content ask which officer acts
(``--as``, with that officer's password) exactly as the pages do: whoever administers the machine reads no case here.
Imports are deferred so that ``tansiq --help`` is quick.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

GROUPS = {
    "init": "node",
    "run": "node",
    "serve": "node",
    "worker": "node",
    "backup": "node",
    "restore": "node",
    "upgrade": "upgrading",
    "rebuild": "rebuilding",
    "recovery": "recovery",
    "doctor": "node",
    "scan-files": "node",
    "client": "clients",
    "unit": "people",
    "officer": "people",
    "seed": "people",
    "roster": "roster",
    "partner": "partners",
    "envelopes": "envelopes",
    "accord": "accords",
    "import": "register",
    "export": "register",
    "search": "search",
    "screening": "screening",
    "request": "dossiers",
    "dossier": "dossiers",
    "draft": "dossiers",
    "alert": "alerts",
    "plans": "plans",
    "conflicts": "plans",
    "overdue": "overdue",
    "erasure": "erasure",
    "desk": "desk",
    "audit": "audit",
    "match": "match",
    "conformance": "conformance",
    "relay": "relay",
}


class Lazy(click.Group):
    """A group that imports a command's module when it is called, not before."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(GROUPS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in GROUPS:
            return None
        module = importlib.import_module(f"tansiq.node.cli.{GROUPS[name]}")
        command: click.Command = module.COMMANDS[name]
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="tansiq")
@click.option("--home", envvar="TANSIQ_HOME", default="node", show_default=True, help="the folder that holds this node")
@click.option("--json", "as_json", is_flag=True, help="answer in JSON, one value")
@click.option(
    "--passphrase-file",
    envvar="TANSIQ_PASSPHRASE_FILE",
    type=click.Path(dir_okay=False),
    help="file with the node's passphrase",
)
@click.option("--as", "username", envvar="TANSIQ_OFFICER", help="the officer who acts")
@click.option(
    "--password-file",
    envvar="TANSIQ_PASSWORD_FILE",
    type=click.Path(dir_okay=False),
    help="file with that officer's password",
)
@click.option(
    "--language",
    envvar="TANSIQ_LANGUAGE",
    default="en",
    type=click.Choice(["ar", "fr", "en", "it", "fa"]),
    help="of answers",
)
@click.pass_context
def cli(ctx: click.Context, **options: Any) -> None:
    """Tansiq (تنسيق): authorities of different countries work as one team."""
    from tansiq.node.cli.session import Session

    ctx.obj = Session(**options)


def main() -> None:
    """The program ``tansiq``; an error of the tree is told as a sentence, with its code, and exit status 1."""
    import sys

    from tansiq.engine.errors import TansiqError

    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except TansiqError as error:
        from tansiq.node.cli.session import tell_error

        tell_error(error, sys.argv)
        sys.exit(1)
