"""The commands and their options; what they do is in the files beside this one."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.surroundings import explained, read_settings
from certsvc.store.api_keys import Role

app = typer.Typer(
    name="certsvc",
    help="Headless certification-lifecycle service. Settings come from the environment: "
    "see .env.example.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tenant = typer.Typer(help="Customers of this service.", no_args_is_help=True)
key = typer.Typer(help="API keys.", no_args_is_help=True)
app.add_typer(tenant, name="tenant")
app.add_typer(key, name="key")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes any.")] = None,
) -> None:
    """Serve the API and run the scheduler, in one process."""
    from certsvc.cli.serving import serve as run

    with explained():
        run(read_settings(host=host, port=port))


@app.command()
def worker() -> None:
    """Run the scheduler alone."""
    from certsvc.cli.serving import work

    with explained():
        work(read_settings())


@app.command()
def migrate(
    restored: Annotated[
        bool,
        typer.Option(
            "--restored", help="The database was put back to an earlier state, by its files."
        ),
    ] = False,
) -> None:
    """Bring the database to the newest schema."""
    from certsvc.cli.operators import migrate as run

    with explained():
        run(read_settings(), restored=restored)


@tenant.command("create")
def create_tenant(
    key: Annotated[str, typer.Argument(help="A name for it, unique in this service.")],
    sandbox: Annotated[bool, typer.Option("--sandbox", help="With a test clock.")] = False,
    clock: Annotated[
        str | None, typer.Option(help="Where a sandbox's clock starts; by default now.")
    ] = None,
) -> None:
    """Make a tenant, and print its id."""
    from certsvc.cli.operators import create_tenant as run

    with explained():
        run(read_settings(), key, sandbox=sandbox, clock_at=_instant(clock))


@key.command("create")
def create_key(
    tenant: Annotated[str, typer.Option(help="The tenant's key.")],
    role: Annotated[Role, typer.Option(help="What it may do.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
) -> None:
    """Make an API key, and print it, once."""
    from certsvc.cli.operators import create_key as run

    with explained():
        run(read_settings(), tenant, role, name)


@app.command()
def check() -> None:
    """Look for states that the laws forbid; exit 1 if there are any."""
    from certsvc.cli.operators import check as run

    with explained():
        found = run(read_settings())
    if found:
        raise typer.Exit(1)


@app.command("import")
def import_file(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A CSV file; - reads stdin.")],
    tenant: Annotated[
        str | None, typer.Option(help="The tenant's key; may be left out where there is but one.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help=", or ; or tab; by default what the first line shows.")
    ] = None,
    time_zone: Annotated[
        str, typer.Option(help="Where the day begins that a date without a time means.")
    ] = "UTC",
    report: Annotated[
        Path | None,
        typer.Option(help="Where refused rows are named; by default beside FILE, .refused.csv."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="From the beginning, though it was complete.")
    ] = False,
) -> None:
    """Take in enrollments and certificates from another system.

    Stopped at any moment, the same command goes on where it was; a repeat creates nothing twice.
    Exit code 2 if rows were refused.
    """
    from certsvc.cli.importing import Asked, run

    asked = Asked(file, tenant, _delimiter(delimiter), time_zone, report, again)
    with explained():
        code = run(read_settings(), asked)
    if code:
        raise typer.Exit(code)


@app.command()
def openapi() -> None:
    """Print the contract."""
    from certsvc.api.contract import render

    typer.echo(render(), nl=False)


@app.command()
def demo(
    learners: Annotated[
        int, typer.Option(min=1, help="People in the cohort that shares one date.")
    ] = 40,
    programme: Annotated[
        list[str] | None, typer.Option(help="Only this programme; several may be named.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Without colours.")] = False,
) -> None:
    """Take real programmes through several years, and show each life as a timeline."""
    from certsvc.demo.run import main as run

    with explained():
        code = run(learners=learners, programmes=programme or (), plain=plain)
    if code:
        raise typer.Exit(code)


def _delimiter(text: str | None) -> str | None:
    from certsvc.cli.sheet import DELIMITERS

    if text is not None and text not in DELIMITERS:
        raise typer.BadParameter("one of , ; tab", param_hint="--delimiter")
    return None if text is None else DELIMITERS[text]


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no instant; one reads 2026-01-31T09:00:00Z", param_hint="--clock"
        ) from error
    if instant.tzinfo is None:
        raise typer.BadParameter("an instant needs its offset, or Z", param_hint="--clock")
    return instant


def main() -> None:
    """The program `certsvc`."""
    app()
