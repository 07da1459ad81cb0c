"""`python -m governance.local.set_up`: run by the launcher, with the workers' environment.

Writes one line of JSON, a `Company`, on standard output, or with `--in-words` what a person wants
to know. Repeating it changes nothing.
"""

import sys


def main() -> int:
    import django

    django.setup()

    from governance import env
    from governance.local.greeting import in_words
    from governance.local.places import Places
    from governance.local.set_up import account, demo

    token = env.secret("SCALINGO_API_TOKEN", default="")
    places = Places.find()
    try:
        company = account.prepare(token, places) if token else demo.prepare(places)
    except account.CannotRead as error:
        print(error, file=sys.stderr)
        return 1
    print(in_words(company) if "--in-words" in sys.argv else company.as_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
