"""Find the installed connectors, read their manifests, describe their actions. No heavy imports."""
