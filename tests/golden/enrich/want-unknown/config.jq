{"chains": {"lead_enrichment": {"want": ["title", "compnay"]}}}
