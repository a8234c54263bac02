"""What any host and any connector agree on. Standard library and pluggy only: no HTTP, no pydantic, no Perplexity."""

from perplexity_connector.contract.connector import ActionHandler, ConnectionTester, Connector, OptionLister
from perplexity_connector.contract.context import ActionContext
from perplexity_connector.contract.envelope import Envelope, RunStatus
from perplexity_connector.contract.errors import ConnectorError, Effect, ErrorCode, ErrorRecord, FieldError
from perplexity_connector.contract.events import EventType
from perplexity_connector.contract.flow import FLOW_VERSION, Binding, Flow, FlowStep, Reference
from perplexity_connector.contract.hookspecs import PROJECT_NAME, ConnectorSpecs, hookimpl, hookspec
from perplexity_connector.contract.jsontypes import JsonObject, JsonValue
from perplexity_connector.contract.manifest import (
    HOST_API,
    MANIFEST_VERSION,
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
