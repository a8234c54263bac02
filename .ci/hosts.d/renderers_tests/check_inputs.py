"""Print what our own check finds in inputs: `[[action, input], …]` comes in, `[[error, …], …]` goes out."""

import json
import sys

from perplexity_connector.plugin import load_connector

connector = load_connector("perplexity", {})
if connector is None:
    sys.exit("our plugin does not know its own name")
found = [
    [f"{error.pointer}: {error.code}" for error in connector.check(action, 1, value)]
    for action, value in json.load(sys.stdin)
]
json.dump(found, sys.stdout)
