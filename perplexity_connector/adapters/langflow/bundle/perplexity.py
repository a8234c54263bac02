"""The actions that stand in the sidebar. Langflow keeps this source in every saved flow and runs it from there.

It looks for a class statement by reading the source, so each action needs one; all else is projected from the action.
"""

from perplexity_connector.adapters.langflow.component import ActionComponent


class CreateChatCompletion(ActionComponent):
    """Create Chat Completion."""

    action = ("perplexity", "create_chat_completion")


class ExecuteSearch(ActionComponent):
    """Execute Search."""

    action = ("perplexity", "execute_search")
