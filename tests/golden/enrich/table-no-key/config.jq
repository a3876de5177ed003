{providers: {offline: {table: "known.csv", key: "name"}}}
