"""`python -m governance.local.set_up.emulator`: the pretend Scalingo whose year was replayed here.

For containers, where the set-up and the emulator share a folder and no launcher.
"""

import sys

from governance.emulator.__main__ import main as serve
from governance.local.files import read_json
from governance.local.places import Places


def main(arguments: list[str]) -> int:
    places = Places.find()
    years = list(read_json(places.demo).values())
    if not years:
        print("No year was replayed yet: run governance.local.set_up first.", file=sys.stderr)
        return 1
    kept = ["--state", str(places.company), "--anchor", str(years[-1]["anchor"])]
    return serve(["--company", "demo", *kept, *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
