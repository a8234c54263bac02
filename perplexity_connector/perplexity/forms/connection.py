"""The credential form: a name for people, a key for the provider."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Connection(BaseModel):
    """A Perplexity account that actions run on."""

    model_config = ConfigDict(title="Perplexity connection", extra="forbid")

    connection_name: str = Field(
        title="Connection Name",
        description="A name of your choice by which workflows pick this connection, up to 100 characters.",
        min_length=1,
        max_length=100,
        examples=["My Perplexity account"],
    )
    api_key: SecretStr = Field(
        title="API Key",
        description="The key from the Perplexity API console; it begins with pplx- and is shown there only once.",
        min_length=1,
    )
