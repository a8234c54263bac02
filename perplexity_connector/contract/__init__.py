"""What any host and any connector agree on. Standard library and pluggy only: no HTTP, no pydantic, no Perplexity.

Each part is imported when a name of it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perplexity_connector.contract.connector import ActionHandler, ConnectionTester, Connector, OptionLister
    from perplexity_connector.contract.context import ActionContext
    from perplexity_connector.contract.envelope import Envelope, RunStatus
    from perplexity_connector.contract.errors import ConnectorError, Effect, ErrorCode, ErrorRecord, FieldError
    from perplexity_connector.contract.events import EventType
    from perplexity_connector.contract.flow import FLOW_VERSION, Binding, Flow, FlowStep, Reference
    from perplexity_connector.contract.hookspecs import PROJECT_NAME, ConnectorSpecs, hookimpl, hookspec
    from perplexity_connector.contract.jsontypes import JsonObject, JsonValue
    from perplexity_connector.contract.manifest import (
        Action,
        Annotations,
        ConnectionSpec,
        GuideStep,
        HostApiRange,
        Manifest,
        Setting,
    )
    from perplexity_connector.contract.options import Option, OptionsOrigin, OptionsPage, OptionsQuery
    from perplexity_connector.contract.result import ActionResult, RunWarning
    from perplexity_connector.contract.secret import Secret
    from perplexity_connector.contract.status import ConnectionOutcome, ConnectionStatus
    from perplexity_connector.contract.versions import HOST_API, MANIFEST_VERSION
else:  # to a type checker a name that is not there stays a mistake

    def __getattr__(name: str) -> object:
        """The exported name, imported now."""
        for part, names in _PARTS.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{part}"), name)
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)


__all__ = [
    "FLOW_VERSION",
    "HOST_API",
    "MANIFEST_VERSION",
    "PROJECT_NAME",
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
    "FieldError",
    "Flow",
    "FlowStep",
    "GuideStep",
    "HostApiRange",
    "JsonObject",
    "JsonValue",
    "Manifest",
    "Option",
    "OptionLister",
    "OptionsOrigin",
    "OptionsPage",
    "OptionsQuery",
    "Reference",
    "RunStatus",
    "RunWarning",
    "Secret",
    "Setting",
    "hookimpl",
    "hookspec",
]

# A dataclass takes half a millisecond to make, and there are two dozen: whoever reads a palette needs three of them
# (docs/performance.md).
_PARTS = {
    "connector": {"ActionHandler", "ConnectionTester", "Connector", "OptionLister"},
    "context": {"ActionContext"},
    "envelope": {"Envelope", "RunStatus"},
    "errors": {"ConnectorError", "Effect", "ErrorCode", "ErrorRecord", "FieldError"},
    "events": {"EventType"},
    "flow": {"FLOW_VERSION", "Binding", "Flow", "FlowStep", "Reference"},
    "hookspecs": {"PROJECT_NAME", "ConnectorSpecs", "hookimpl", "hookspec"},
    "jsontypes": {"JsonObject", "JsonValue"},
    "manifest": {"Action", "Annotations", "ConnectionSpec", "GuideStep", "HostApiRange", "Manifest", "Setting"},
    "options": {"Option", "OptionsOrigin", "OptionsPage", "OptionsQuery"},
    "result": {"ActionResult", "RunWarning"},
    "secret": {"Secret"},
    "status": {"ConnectionOutcome", "ConnectionStatus"},
    "versions": {"HOST_API", "MANIFEST_VERSION"},
}
