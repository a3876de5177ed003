{"report": {"price": 0.5}}
