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
        "MANIFEST_VERSION",
        "Manifest",
        "Option",
        "OptionLister",
        "OptionsOrigin",
        "OptionsPage",
        "OptionsQuery",
        "PROJECT_NAME",
        "Reference",
        "RunCanceller",
        "RunStatus",
        "RunWarning",
        "Secret",
        "Setting",
        "hookimpl",
        "hookspec",
    ]


def test_the_names_of_the_host_are_pinned() -> None:
    """A name that is missing here breaks embedders; a new one is a promise."""
    assert host.__all__ == [
        "ConnectionStore",
        "FlowOptions",
        "Host",
        "HostOptions",
        "RunOptions",
        "StepRun",
        "SyncHost",
        "shared_host",
        "write_private",
    ]
