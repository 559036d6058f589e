"""Commands for the node itself: make it, run it, keep a copy of it, look whether it is sound."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import click

from tansiq.engine.errors import Conflict, Rejected
from tansiq.node.cli.session import Session, now, passed, start_django


@click.command()
@click.argument("node_id")
@click.option("--state", required=True, help="ISO 3166 code of the State, e.g. MA")
@click.option("--name", "names", multiple=True, required=True, help="LANGUAGE=TEXT, repeatable; Arabic first")
@click.option("--url", default="", help="where partners reach this node; leave out if they cannot")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8400, show_default=True)
@click.option("--time-zone", default="UTC", show_default=True)
@click.option("--weekend", default="6,7", show_default=True, help="days of the weekend, 1 = Monday to 7 = Sunday")
@click.option("--phone", default="", help="telephone that is answered at any hour")
@click.option("--email", default="")
@click.option("--languages", default="ar,fr,en", show_default=True, help="languages the contact point works in")
@click.option(
    "--language", "screen_language", default="ar", show_default=True, help="language of the pages before sign-in"
)
@click.option("--database-url", default="", help="postgres://user:password@host/name; empty for the embedded SQLite")
@click.option("--demo", is_flag=True, hidden=True)
@click.option("--work-factor", default=17, hidden=True)
@passed
def init(session: Session, node_id: str, **told: Any) -> None:
    """Make a node: its folder, keys, card and empty store.

    Prints the fingerprint of its root key as words, to be read to partners over the telephone. Move root-key.age to a safe
    place off this machine: it is needed only to sign a new card or a revocation.
    """
    from tansiq.engine.envelopes.signing import Ed25519Signer
    from tansiq.engine.formats.ids import b64encode, require_node_id
    from tansiq.node.cli import setup
    from tansiq.node.vault import keys

    home = session.home_path
    require_node_id(node_id, at="NODE_ID")
    if (home / "node.toml").exists():
        raise Conflict("settings.node_exists", home=str(home))
    passphrase = session.passphrase(confirm=True)
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    root = Ed25519Signer.generate(os.urandom)
    made = keys.generate(now())
    factor = told.pop("work_factor")
    keys.write_secrets(home / keys.SECRETS_FILE, made.to_json(), passphrase, work_factor=factor)
    keys.write_secrets(home / keys.ROOT_FILE, {"v": 1, "root": b64encode(root.seed)}, passphrase, work_factor=factor)
    names = setup.parse_names(told.pop("names"))
    setup.write_settings(home, node_id=node_id, names=names, **told)
    session.start()
    setup.migrate()
    keys.install(made)
    card = setup.make_card(node_id, names, told, root, made, serial=1, now=now())
    setup.install_card(card, now())
    words = setup.spell_root(root)
    session.tell({"node": node_id, "home": str(home), "fingerprint": words}, lambda: setup.told(node_id, home, words))


@click.command()
@passed
def run(session: Session) -> None:
    """Run the node: pages, partners' door, and worker, until Ctrl-C."""
    _open_safely(session)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    from django.conf import settings

    from tansiq.node.cli import processes

    node = settings.NODE
    click.echo(f"{node.node_id}: http://{node.host}:{node.port}/", err=True)
    processes.load()
    processes.supervise({"serve": serve_pages, "worker": lambda: work("main")}, stop=stop)


def _open_safely(session: Session) -> None:
    """Refuse unsafe settings before the passphrase is asked for, open the vault, and let nothing of this memory be dumped."""
    session.start()
    from django.conf import settings

    from tansiq.node.cli import checks, upgrading

    checks.refuse_unsafe(settings, passphrase_file=session.passphrase_file)
    upgrading.require_shape()
    session.unlock()
    checks.seal_memory()


def warm_up() -> None:
    """Build the index and compile the matcher beside whatever else starts, so that the first officer need not wait for it."""
    from tansiq.node.flows import matching

    threading.Thread(target=matching.warm_up, name="warm-up", daemon=True).start()


@click.command(hidden=True)
@passed
def serve(session: Session) -> None:
    """Serve pages and the partners' door alone."""
    _open_safely(session)
    serve_pages()


def serve_pages() -> None:
    """Serve pages and the partners' door until a signal; the vault of this process is open."""
    import uvicorn
    from django.conf import settings

    warm_up()
    uvicorn.run(
        "tansiq.node.site.asgi:application",
        host=settings.NODE.host,
        port=settings.NODE.port,
        http="tansiq.node.api.patience:Patient",
        log_level="warning",
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
        limit_concurrency=400,
        server_header=False,
    )


@click.command(hidden=True)
@click.option(
    "--name", default="main", show_default=True, help="this worker's own name; every further one needs another"
)
@passed
def worker(session: Session, name: str) -> None:
    """Deliver, open, sequence and remind: one worker alone (any number on PostgreSQL)."""
    _open_safely(session)
    work(name)


def work(name: str) -> None:
    """Work as the worker ``name`` until a signal; the vault of this process is open."""
    from tansiq.node.flows import working

    warm_up()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    working.run(name, stop=stop, clock=now)


@click.command()
@click.argument("target", type=click.Path(dir_okay=False))
@passed
def backup(session: Session, target: str) -> None:
    """Write an encrypted copy of the node into TARGET while it runs.

    The copy is an age file under the node's passphrase. Sealed bytes under way are in it; the root key and the keys of blind queries are not.
    """
    from tansiq.node.cli import copies

    session.unlock()
    size = copies.write(session.home_path, Path(target), session.passphrase())
    session.tell({"target": target, "bytes": size}, f"{target}: {size:,} bytes")


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False))
@click.option("--database-url", default="", help="for a copy of a PostgreSQL node: an empty database to load it into")
@click.option(
    "--erasures",
    type=click.Path(exists=True, dir_okay=False),
    help="the erasure ledger, which is kept outside of copies",
)
@click.option(
    "--without-erasures", is_flag=True, help="the ledger is lost: what was erased since the copy is here again"
)
@passed
def restore(session: Session, source: str, database_url: str, erasures: str | None, *, without_erasures: bool) -> None:
    """Make the node of the copy SOURCE in an empty home, as a new incarnation that asks its partners for what it lacks.

    Broken off anywhere, the node does not start; the same command begins anew.

    A copy of a PostgreSQL node is loaded into the database named here and into no other: the one it came from may still be in use.
    What the ledger ERASURES names is erased again before anything else happens. Started then, the node reads and takes in, and signs
    nothing until every partner has said what it holds of this node (`tansiq recovery`).
    """
    from tansiq.node.cli import copies
    from tansiq.node.vault import keys

    if erasures is None and not without_erasures:
        raise Rejected("erasure.ledger_needed", at="--erasures")
    home = session.home_path
    with copies.unfinished(home):
        passphrase = session.passphrase()
        copies.read(Path(source), home, passphrase, database_url)
        start_django(home)
        keys.unlock(home, passphrase)
        from tansiq.node.flows import recovering

        report = recovering.begin(now(), erasures=Path(erasures) if erasures else None)
    session.tell(report, lambda: copies.told(report))


@click.command()
@click.option("--quick", is_flag=True, help="leave out the checks that read every row")
@click.option("--repair", "is_repair", is_flag=True, help="mend what can be proved or counted anew; name the rest")
@passed
def doctor(session: Session, *, quick: bool, is_repair: bool) -> None:
    """Look whether the node is sound, and name what is not; exit status 1 then.

    With --repair, entries and files that are not what was signed are set aside and asked of partners, hashes and counts are made anew.
    A row of a log is never touched.
    """
    session.unlock()
    from django.conf import settings

    from tansiq.node.cli import checks
    from tansiq.node.flows import mending, repair

    if is_repair:
        findings = mending.mend(now())
    else:
        unsafe = checks.shown(settings, session.language, passphrase_file=session.passphrase_file)
        findings = [*unsafe, *repair.examine(now(), quick=quick)]
    session.tell(findings, lambda: "\n".join(f"{f['level']:5} {f['check']:24} {f['told']}" for f in findings))
    if any(f["level"] == "bad" for f in findings):
        sys.exit(1)


@click.command("scan-files")
@passed
def scan_files(session: Session) -> None:
    """Look at every file here again: whether it is a program, would burst, or is known to the scanner (file_scanner).

    For after the scanner has learned new signatures. Exit status 1 if any is held back or could not be looked at.
    """
    session.unlock()
    from tansiq.node.flows import rescanning

    total, odd = 0, []
    for told in rescanning.rescan(now()):
        total += 1
        if told["danger"]:
            odd.append(told)
            click.echo(f"{told['blob'][:16]} {told['danger']}", err=True)
    session.tell({"files": total, "held_back": odd}, f"{total} files, {len(odd)} held back")
    if odd:
        sys.exit(1)


COMMANDS = {
    "scan-files": scan_files,
    "init": init,
    "run": run,
    "serve": serve,
    "worker": worker,
    "backup": backup,
    "restore": restore,
    "doctor": doctor,
}
