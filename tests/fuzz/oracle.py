#!/usr/bin/env python3
"""Compares our verdicts on JSON texts with those of Python's json module made strict.

Reads lines "good HEX" or "bad HEX" (what the json unit test prints with --dump) from standard
input; prints each disagreement and exits 1 if there is one.
"""
import json
import sys

DEPTH = 256


def refuse(word):
    raise ValueError(word)


def walk(value, depth):
    """What RFC 8259 lets pass and we do not: half surrogates, NUL, deep nesting."""
    if isinstance(value, str):
        if "\0" in value or any(0xD800 <= ord(c) <= 0xDFFF for c in value):
            refuse("string")
    elif isinstance(value, list):
        if depth >= DEPTH:
            refuse("depth")
        for item in value:
            walk(item, depth + 1)


def members(pairs):
    """Objects become lists, so that no duplicate member escapes the walk."""
    return [item for pair in pairs for item in pair]


def strict(text):
    try:
        walk(json.loads(text.decode("utf-8"), parse_constant=refuse, parse_float=str,
                        object_pairs_hook=members), 0)
        return "good"
    except (ValueError, RecursionError):
        return "bad"


def main():
    seen = wrong = 0
    for line in sys.stdin:
        ours, _, text = line.rstrip("\n").partition(" ")
        text = bytes.fromhex(text)
        seen += 1
        if strict(text) != ours:
            wrong += 1
            print(f"we say {ours}, Python says {strict(text)}: {text!r}")
    print(f"{seen} texts, {wrong} disagreements", file=sys.stderr)
    return 1 if wrong or not seen else 0


sys.exit(main())
