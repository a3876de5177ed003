#!/usr/bin/python3
"""The client enrich is measured against: aiohttp, 32 calls in flight, one contact a call.

    aiohttp_client.py BASE_URL <contacts.ndjson >enriched.ndjson

Asks Apollo's people/match about every contact, parses the answer, merges it into the contact and
writes the contact. Says how many calls a second it made on standard error.
"""
import asyncio
import json
import sys
import time

import aiohttp

IN_FLIGHT = 32
IDENTITY = (("email", "email"), ("first_name", "first_name"), ("last_name", "last_name"),
            ("company", "organization_name"), ("linkedin_url", "linkedin_url"))


def merge(contact, person):
    if not person or not person.get("id"):
        contact["enrichment"] = {"status": "not_found", "enrichment_source": "apollo"}
        return
    company = person.get("organization") or {}
    phones = person.get("phone_numbers") or [{}]
    found = {"status": "found", "enrichment_source": "apollo",
             "first_name": person.get("first_name"), "last_name": person.get("last_name"),
             "city": person.get("city"), "country": person.get("country"),
             "company_name": company.get("name"), "company_domain": company.get("primary_domain"),
             "company_size": company.get("estimated_num_employees"),
             "industry": company.get("industry"), "job_title": person.get("title"),
             "seniority_level": person.get("seniority"),
             "linkedin_url": person.get("linkedin_url"),
             "phone": phones[0].get("sanitized_number")}
    contact["enrichment"] = found
    for ours, theirs in (("first_name", "first_name"), ("last_name", "last_name"),
                         ("company", "company_name"), ("title", "job_title"), ("phone", "phone"),
                         ("linkedin_url", "linkedin_url"), ("city", "city"),
                         ("country", "country")):
        if not contact.get(ours):
            contact[ours] = found[theirs]
    contact["status"] = "enriched"


async def worker(session, url, lines, out):
    calls = 0
    for line in lines:
        contact = json.loads(line)
        query = {theirs: contact[ours] for ours, theirs in IDENTITY if contact.get(ours)}
        async with session.post(url, params=query) as response:
            response.raise_for_status()
            answer = await response.json()
        merge(contact, answer.get("person"))
        out.write(json.dumps(contact, ensure_ascii=False, separators=(",", ":")) + "\n")
        calls += 1
    return calls


async def run(base):
    headers = {"X-Api-Key": "sim-key", "Cache-Control": "no-cache"}
    lines = iter(sys.stdin)
    began = time.monotonic()
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        url = base + "/people/match"
        calls = sum(await asyncio.gather(
            *(worker(session, url, lines, sys.stdout) for _ in range(IN_FLIGHT))))
    sys.stdout.flush()
    print("%.0f calls/s" % (calls / (time.monotonic() - began)), file=sys.stderr)


asyncio.run(run(sys.argv[1]))
