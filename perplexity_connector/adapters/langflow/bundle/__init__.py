"""What Langflow reads for its sidebar; it takes the other files of this folder one by one."""
