"""The last lines of a start: where it is, who may sign in, how to stop."""

from governance.local.company import Company
from governance.local.places import Places
from governance.local.terminal import say


def greet(company: Company, address: str, places: Places) -> None:
    say(f"\n{company.sentence}\n\n  {address}\n")
    if company.sign_ins:
        width = max(len(sign_in.email) for sign_in in company.sign_ins)
        say("Sign in as")
        for sign_in in company.sign_ins:
            say(
                f"  {sign_in.role:<9} {sign_in.email:<{width}}  {sign_in.password}"
                f"  {sign_in.note}".rstrip()
            )
    else:
        say("Add yourself with: make manage ARGS='add_user you@example.com --role admin --apply'")
    say(f"\nCtrl-C stops all of it. Logs: {places.logs}. Everything is kept in {places.var}.\n")
