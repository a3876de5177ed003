{"report": {"cost_per_contact": 0.5}}
