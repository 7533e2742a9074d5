"""Web services that tools ask: one way to call them, to count their failures, and to say who asks."""
