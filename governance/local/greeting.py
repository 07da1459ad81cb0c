"""The last lines of a start: what it reads, where it is, who may sign in, how to stop."""

from pathlib import Path

from governance.local.company import Company
from governance.local.places import Places
from governance.local.terminal import say


def greet(company: Company, address: str, places: Places) -> None:
    say(f"\n  {address}\n\n{in_words(company)}\n")
    say(f"Ctrl-C stops all of it. Logs: {_near(places.logs)}. Data: {_near(places.var)}.\n")


def _near(path: Path) -> str:
    """The path as seen from here where it lies below, which may be much shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def in_words(company: Company) -> str:
    """What is read, and who may sign in."""
    if not company.sign_ins:
        how = "make manage ARGS='add_user you@example.com --role admin'"
        return f"{company.sentence}\nTo sign in, add yourself: {how}"
    width = max(len(sign_in.email) for sign_in in company.sign_ins)
    lines = [
        f"  {one.role:<9} {one.email:<{width}}  {one.password}  {one.note}".rstrip()
        for one in company.sign_ins
    ]
    return "\n".join([company.sentence, "", "Sign in as", *lines])
