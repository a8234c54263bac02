"""The installed connectors: find them, read their manifests, describe their actions. Imports nothing heavy."""
