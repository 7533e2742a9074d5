"""`python -m bot` is the command `threadloop`."""

from bot.cli import main

main()
