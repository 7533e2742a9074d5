"""What makes a typed function a tool, and calls it: schemas, the registry, the policy, limits."""
