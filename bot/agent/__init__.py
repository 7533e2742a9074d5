"""Works out answers: the model and the tools in turns. Knows no Slack, and no run engine."""
