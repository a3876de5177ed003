.summary + 1
