#!/usr/bin/env python3
"""Draws docs/micro_expressions.svg from docs/micro_expressions.csv: scripts/micro_expressions_figure.py (no packages needed)."""
import csv
import html
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
KINDS = {"no selection": ("#2563eb", "last epoch, or nothing to select"), "selected on test": ("#c82828", "selected on test")}
LEFT, WIDTH, ROW, TOP, LOW, HIGH = 362, 470, 26, 78, 0.2, 0.9


def x(value):
    return LEFT + WIDTH * (value - LOW) / (HIGH - LOW)


def main():
    rows = list(csv.DictReader(open(DOCS / "micro_expressions.csv", encoding="utf-8")))
    bottom = TOP + ROW * len(rows)
    parts = [
        '<text x="16" y="28" font-size="16" font-weight="bold">UF1 on the MEGC 2019 composite: 442 clips, 68 people</text>',
        '<text x="16" y="48" fill="#5b677a">Lines: 95 % over people drawn with replacement. Two figures within one line cannot be told apart.</text>',
    ]
    for i in range(8):
        value = LOW + 0.1 * i
        parts.append(f'<path d="M{x(value):.1f} {TOP - 8}V{bottom}" stroke="#e2e6ec"/>')
        parts.append(f'<text x="{x(value):.1f}" y="{bottom + 18}" text-anchor="middle" fill="#5b677a">{value:.1f}</text>')
    for i, row in enumerate(rows):
        colour, y = KINDS[row["kind"]][0], TOP + ROW * i + 8
        parts.append(f'<text x="{LEFT - 14}" y="{y + 5}" text-anchor="end">{html.escape(row["what"])}</text>')
        if row["low"]:
            parts.append(f'<path d="M{x(float(row["low"])):.1f} {y}H{x(float(row["high"])):.1f}" stroke="{colour}" stroke-width="2"/>')
        uf1 = float(row["uf1"])
        parts.append(f'<circle cx="{x(uf1):.1f}" cy="{y}" r="5" fill="{colour}"><title>{html.escape(row["source"])}</title></circle>')
        end = max(uf1, float(row["high"] or 0))
        parts.append(f'<text x="{x(end) + 10:.1f}" y="{y + 5}" fill="{colour}">{uf1:.4f}</text>')
    at = 16
    for colour, text in KINDS.values():
        parts.append(f'<circle cx="{at + 5}" cy="{bottom + 42}" r="5" fill="{colour}"/><text x="{at + 18}" y="{bottom + 47}">{text}</text>')
        at += 280
    size = f'width="912" height="{bottom + 64}" viewBox="0 0 912 {bottom + 64}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="DejaVu Sans, Verdana, sans-serif" font-size="13" fill="#1f2937">'
    back = f'<rect width="912" height="{bottom + 64}" fill="white"/>'
    (DOCS / "micro_expressions.svg").write_text("\n".join([head, back, *parts, "</svg>"]) + "\n", encoding="utf-8")


main()
