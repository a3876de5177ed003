.summary | nonsense
