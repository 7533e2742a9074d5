"""What `threadloop` can be told to do, a module for each. Imported when they are called for."""
