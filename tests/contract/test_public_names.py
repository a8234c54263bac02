"""The public names of the contract and the host. A host or a connector may import any of them."""

from perplexity_connector import contract, host


def test_the_names_of_the_contract_are_pinned() -> None:
    """A name that is missing here breaks connectors and hosts; a new one is a promise."""
    assert contract.__all__ == [
        "Action",
        "ActionContext",
        "ActionHandler",
        "ActionResult",
        "Annotations",
        "AttemptFailed",
        "Binding",
        "ConnectionOutcome",
        "ConnectionSpec",
        "ConnectionStatus",
        "ConnectionTester",
        "Connector",
        "ConnectorError",
        "ConnectorSpecs",
        "Effect",
        "Envelope",
        "ErrorCode",
        "ErrorRecord",
        "EventType",
        "FLOW_VERSION",
        "FieldError",
        "Flow",
        "FlowStep",
        "GuideStep",
        "HOST_API",
        "HostApiRange",
        "JsonObject",
        "JsonValue",
        "Limiter",
        "MANIFEST_VERSION",
        "Manifest",
        "Observation",
        "Option",
        "OptionLister",
        "OptionsOrigin",
        "OptionsPage",
        "OptionsQuery",
        "PROJECT_NAME",
        "Reference",
        "RequestSent",
        "RunCanceller",
        "RunFinished",
        "RunObserver",
        "RunStarted",
        "RunStatus",
        "RunWarning",
        "Secret",
        "Setting",
        "hookimpl",
        "hookspec",
        "repeat_after",
    ]


def test_the_names_of_the_host_are_pinned() -> None:
    """A name that is missing here breaks embedders; a new one is a promise."""
    assert host.__all__ == [
        "ConnectionBackend",
        "ConnectionStore",
        "FlowOptions",
        "Host",
        "HostOptions",
        "RateLimiters",
        "RunOptions",
        "StepRun",
        "StoredConnection",
        "SyncHost",
        "shared_host",
        "write_private",
    ]
