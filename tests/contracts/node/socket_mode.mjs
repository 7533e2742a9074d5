// Connects with Slack's own Socket Mode client, answers one mention and one command, and leaves.
import { SocketModeClient } from "@slack/socket-mode";
import { WebClient } from "@slack/web-api";

const { SLACK_API_URL, SLACK_APP_TOKEN, SLACK_BOT_TOKEN } = process.env;
const web = new WebClient(SLACK_BOT_TOKEN, { slackApiUrl: SLACK_API_URL });
const socket = new SocketModeClient({ appToken: SLACK_APP_TOKEN, clientOptions: { slackApiUrl: SLACK_API_URL } });

socket.on("app_mention", async ({ event, ack }) => {
  await ack();
  await web.chat.postMessage({ channel: event.channel, thread_ts: event.ts, text: `heard: ${event.text}` });
});
socket.on("slash_commands", async ({ body, ack }) => {
  await ack({ text: `got: ${body.text}` });
  await socket.disconnect();
});
await socket.start();
