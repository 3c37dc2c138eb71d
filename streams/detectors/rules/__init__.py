"""The rules of a policy, run: one module per correlation type, all behind one step; it reads no YAML."""
