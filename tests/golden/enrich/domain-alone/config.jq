{providers: {offline: {table: "known.csv"}}}
