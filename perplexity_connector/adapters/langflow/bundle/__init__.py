"""The nodes of Langflow's sidebar. Langflow reads the other files of this folder one by one."""
