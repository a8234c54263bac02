"""The versions that a host supports: of the manifest, and of the host-connector interface."""

__all__ = ["HOST_API", "MANIFEST_VERSION"]

MANIFEST_VERSION = 1
HOST_API = 1
