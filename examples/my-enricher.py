#!/usr/bin/python3
"""A provider in any language: one line of JSON in, one line of JSON out, in order, flushed.

In config.jq:

    { chains: { lead_enrichment: { providers: ["mine", "offline"] } },
      providers: { mine: { use: "exec", command: ["./my-enricher.py"], settings: { country: "DE" } } } }

Look-ups take as long as they take: with `workers: 4` four of these run at a time.
"""
import json
import sys

COMPANIES = {"example.com": ("Example Inc.", "Testing"), "example.org": ("Example Foundation", "Research")}


def answer(item, settings):
    domain = item.get("domain") or item.get("email", "").rpartition("@")[2].lower()
    if domain not in COMPANIES:
        return {"outcome": "not_found"}
    name, industry = COMPANIES[domain]
    return {"outcome": "ok", "confidence": 0.9,
            "data": {"company_name": name, "industry": industry, "country": settings.get("country")}}


for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(answer(asked["item"], asked["settings"])), flush=True)
