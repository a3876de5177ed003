{ chains: { lead_enrichment: 
