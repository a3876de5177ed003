{providers: {local: {lists: ["lists"]}}}
