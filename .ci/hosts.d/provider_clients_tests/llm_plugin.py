"""The plugin of `llm`, which has its address in the class: it asks the Agent API."""

import os
import tempfile
from importlib.metadata import version

os.environ["LLM_USER_PATH"] = tempfile.mkdtemp()

import llm
import llm_perplexity

llm_perplexity.Perplexity.base_url = os.environ["PERPLEXITY_BASE_URL"] + "/v1"
key = os.environ["PERPLEXITY_API_KEY"]
print("llm-perplexity", version("llm-perplexity"))

for name in ("sonar", "sonar-pro", "sonar-reasoning-pro", "sonar-deep-research"):
    for stream in (False, True):
        response = llm.get_model(name).prompt(
            "How far away is the Moon?", key=key, stream=stream
        )
        text = response.text()
        assert "384,400" in text, text
        assert "https://moon.example/distance" in text, text
    print(f"agent as {name}:", text.partition("[")[0])

try:
    llm.get_model("sonar").prompt("moon", key="pplx-test-no-credit").text()
except llm.ModelError as error:
    print("a key without credit:", error)
else:
    raise AssertionError("a key without credit was accepted")
