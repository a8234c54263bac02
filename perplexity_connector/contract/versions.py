"""The versions that a host reads: of manifests, and of the interface between host and connector."""

__all__ = ["HOST_API", "MANIFEST_VERSION"]

MANIFEST_VERSION = 1
HOST_API = 1
