#!/usr/bin/env python3
"""Whether a value separates two pictures of the same person: of how many people it rises, and the area under the ROC curve.

    ferrotype predict --run runs/<run> --detector yunet.onnx london/ --csv london.csv
    scripts/pairs.py london.csv intensity.AU12 _neutral _smiling

The Face Research Lab London Set (DeBruine and Jones 2017, CC BY 4.0) has 102 people neutral and smiling; its action unit 12 (the
corners of the mouth go up) must rise. Names end in the two words; of a picture with several faces the first, the largest, counts.
Only Python's standard library is needed.
"""
import csv
import sys
from pathlib import Path


def main(table, column, before, after):
    values = {before: {}, after: {}}
    with open(table, newline="") as file:
        rows = csv.DictReader(file)
        if column not in rows.fieldnames:
            sys.exit(f"{table} has no column {column}; it has {', '.join(rows.fieldnames)}")
        for row in rows:
            stem = Path(row["path"]).stem
            for word, people in values.items():
                if stem.endswith(word):
                    people.setdefault(stem[: -len(word)], float(row[column]))
    low, high = values[before], values[after]
    people = sorted(low.keys() & high.keys())
    if not people:
        sys.exit(f"no person has pictures that end in {before} and in {after}")
    rises = sum(high[p] > low[p] for p in people)
    # The share of all pairs, also of two people, in which the second picture has more; ties are halves (Mann and Whitney).
    pairs = [(a, b) for a in (low[p] for p in people) for b in (high[p] for p in people)]
    auc = sum((b > a) + 0.5 * (b == a) for a, b in pairs) / len(pairs)
    mean = lambda of: sum(of[p] for p in people) / len(people)
    print(f"{column}: rises in {rises} of {len(people)} people, AUC {auc:.3f}, mean {mean(low):.3f} -> {mean(high):.3f}")
    lone = (low.keys() | high.keys()) - set(people)
    if lone:
        print(f"without a partner: {', '.join(sorted(lone))}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
