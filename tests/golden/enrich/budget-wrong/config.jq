{"chains": {"lead_enrichment": {"budget": {"day": "much"}}}}
