{"chains": {"lead_enrichment": {"want": ["compnay"]}}}
