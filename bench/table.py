"""`python -m bench.table < figures.json`: the JSON of a run as rows of docs/benchmarks.md."""

import json
import sys


def main() -> None:
    for line in sys.stdin:
        run = json.loads(line)
        print(f"\n### {run['title']}\n")
        print("| figure | measured | 95 % | goal | |")
        print("| --- | --- | --- | --- | --- |")
        for one in run["figures"]:
            doubt = "" if one["low"] == one["high"] else f"{one['low']:.3g} to {one['high']:.3g}"
            value = f"{one['value']:,.3g}" if one["value"] < 1000 else f"{one['value']:,.0f}"
            goal = "" if one["goal"] == "≥ 0" else one["goal"]
            met = "" if not goal else "met" if one["met"] else "**missed**"
            print(f"| {one['name']} | {value} {one['unit']} | {doubt} | {goal} | {met} |")


if __name__ == "__main__":
    main()
