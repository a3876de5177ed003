{"report": {"cost_per_contact": {"amount": 0.25, "currency": "EUR"}}, "score": {"tiers": {"low": 5}}}
