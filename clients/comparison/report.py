"""Reports the result, for people or for programs."""

import json

from comparison.differences import excerpts

SHOWN_CASES = 6


def as_json(result):
    return json.dumps(result | {
        "differences": [entry(found) for found in result["differences"]],
        "known": [entry(found) for found in result["known"]],
    }, indent=2, ensure_ascii=False)


def entry(found):
    parts = {part: dict(zip(("old", "new"), values)) for part, values in found.aspects.items()}
    return ({"rows": found.rows} if found.rows else {"parts": parts}) | {"cases": found.cases}


def as_text(result):
    out = []
    for number, found in enumerate(result["differences"], 1):
        out.append(f"\n{number}. differs in {', '.join(found.aspects)}: {listed(found.cases)}")
        for part, values in found.aspects.items():
            old, new = excerpts(*values)
            out += [f"   {part}", f"     old {old}", f"     new {new}"]
    if result["known"]:
        out.append("\nknown deviations (rows of docs/deviations.md):")
        out += [f"- {'; '.join(found.rows)}: {listed(found.cases)}" for found in result["known"]]
    if result["not_sent"]:
        out.append(f"\nnot sent, since they cannot be made harmless: {listed(result['not_sent'])}")
    differing, known = (sum(len(found.cases) for found in result[kind]) for kind in ("differences", "known"))
    out.append(f"\n{result['alike']} alike, {known} known deviations, {differing} differ")
    return "\n".join(out)


def listed(cases):
    more = len(cases) - SHOWN_CASES
    return ", ".join(cases[:SHOWN_CASES]) + (f" and {more} more" if more > 0 else "")
