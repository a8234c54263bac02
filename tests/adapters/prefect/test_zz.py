from tests.adapters.prefect.test_runs import *
from perplexity_connector.adapters.prefect.repeats import Wanted, run_once
import threading, traceback, json

def test_key_as_connection(sandbox, fake, flow_run_id, ledger, caplog):
    with pytest.raises(Exception) as e:
        search(query="moon", connection="pplx-SENTINEL")
    print("ERR", repr(e.value), "SENTINEL" in str(e.value), "SENTINEL" in caplog.text)
    print("RUN", ledger.run(flow_run_id).result())
    for bad in ({"api_key": "pplx-SENTINEL"}, {"$ref": "pplx-SENTINEL"}, {"$ref": {"block_document_id": "pplx-SENTINEL"}}, ["pplx-SENTINEL"], 5, ""):
        try:
            print(bad, search(query="moon", connection=bad))
        except BaseException as e:
            print("BAD", bad, repr(e), "SENTINEL" in "".join(traceback.format_exception(e)))

def test_two_at_once(sandbox, fake, flow_run_id, ledger):
    out = []
    def one():
        try: out.append(chat(**CHAT))
        except BaseException as e: out.append(e)
    ts = [threading.Thread(target=one) for _ in range(4)]
    for t in ts: t.start()
    for t in ts: t.join()
    print([repr(o)[:200] for o in out], sandbox.billed_runs)
    print(chat(**CHAT), sandbox.billed_runs)

def test_nulls(sandbox):
    for v in ({"query": None}, {"query": "x", "max_results": None, "bogus": 1}, {"query":"x","connection":None}):
        try: print(v, search(**v))
        except BaseException as e: print(v, repr(e)[:300])
    for v in ({"job": ""}, {"job": "nope"}, {"job":"nope","start":0}, {"job":"nope", "at_once":None}, {"job":"nope","retry":"x"}):
        try: print(v, run_table(**v))
        except BaseException as e: print(v, repr(e)[:300])
