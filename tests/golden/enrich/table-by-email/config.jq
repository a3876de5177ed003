{providers: {offline: {table: "known.csv", key: "email"}}}
