"""`python -m bench [NAME…]`: measure what is claimed; without a name, everything.

Prints figures for people on the error output and JSON on the other. Exit status 1 if one missed.
"""

import argparse
import sys

from bench import place


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--large", action="store_true", help="a million rows; takes long")
    arguments = parser.parse_args()
    place.prepare()
    from bench import applying, asof, auditing, exports, limiter, pages, reading, two_factor

    available = {
        "applying": lambda: applying.run(
            sizes=(100_000, 300_000, 1_000_000) if arguments.large else (30_000, 100_000, 300_000),
            large=arguments.large,
        ),
        "reading": lambda: reading.run(large=arguments.large),
        "pages": lambda: pages.run(large=arguments.large),
        "asof": lambda: asof.run(large=arguments.large),
        "two_factor": lambda: two_factor.run(large=arguments.large),
        "auditing": lambda: auditing.run(large=arguments.large),
        "exports": lambda: exports.run(large=arguments.large),
        "limiter": lambda: limiter.run(large=arguments.large),
    }
    wanted = arguments.names or list(available)
    unknown = set(wanted) - set(available)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(available)}")
    return max(available[name]() for name in wanted)


if __name__ == "__main__":
    sys.exit(main())
