{ providers: { apollo: {api_key: "stands-here"}, dropcontact: {api_key: (env.K // "x")} },
  chains: { lead_enrichment: {providers: ["apollo", "dropcontact"]} } }
