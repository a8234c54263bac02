"""The actions in the sidebar. Langflow copies this source into every saved flow and runs the copy.

It finds a node by its class statement in the source, so each action needs one.
"""

from perplexity_connector.adapters.langflow.component import ActionComponent


class CreateChatCompletion(ActionComponent):
    """Create Chat Completion."""

    action = ("perplexity", "create_chat_completion")


class ExecuteSearch(ActionComponent):
    """Execute Search."""

    action = ("perplexity", "execute_search")
