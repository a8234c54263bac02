"""A stand-in for the few classes of Langflow that the component uses; `.ci/hosts` runs it with the real ones."""
