"""Threadloop: a teammate in Slack that answers with tools."""
