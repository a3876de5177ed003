{providers: {offline: {table: "nowhere.csv"}}}
