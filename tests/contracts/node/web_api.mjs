// Calls the workspace with Slack's own Web API client and prints what came back, as one JSON object.
import { WebClient } from "@slack/web-api";

const { SLACK_API_URL, SLACK_BOT_TOKEN } = process.env;
const client = new WebClient(SLACK_BOT_TOKEN, { slackApiUrl: SLACK_API_URL, retryConfig: { retries: 0 } });
const errorOf = (call) => call.then(() => null, (error) => error.data?.error ?? String(error));

const identity = await client.auth.test();
const listed = await client.conversations.list({ types: "public_channel" });
const channel = listed.channels.find((each) => each.name === "general").id;
const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*hello*" } }];
const metadata = { event_type: "answer", event_payload: { run: "1" } };
const posted = await client.chat.postMessage({ channel, text: "hello & goodbye", blocks, metadata, unfurl_links: false });
for (const text of ["one", "two", "three"]) {
  await client.chat.postMessage({ channel, text, thread_ts: posted.ts });
}
const texts = [];
for await (const page of client.paginate("conversations.replies", {
  channel,
  ts: posted.ts,
  limit: 2,
  include_all_metadata: true,
})) {
  texts.push(page.messages.map((message) => message.text));
}
await client.chat.update({ channel, ts: posted.ts, markdown_text: "**changed**" });
await client.reactions.add({ channel, timestamp: posted.ts, name: "eyes" });
const found = await client.reactions.get({ channel, timestamp: posted.ts });
const stream = client.chatStream({
  channel,
  thread_ts: posted.ts,
  recipient_team_id: identity.team_id,
  recipient_user_id: identity.user_id,
});
await stream.append({ markdown_text: "**stre" });
await stream.append({ markdown_text: "amed**" });
const streamed = await stream.stop();
const upload = await client.filesUploadV2({ channel_id: channel, filename: "a.txt", content: "hello" });

console.log(
  JSON.stringify({
    user: identity.user_id,
    posted: posted.message.metadata,
    texts,
    changed: found.message.text,
    reactions: found.message.reactions,
    streamed: streamed.message.text,
    uploaded: upload.files[0].files[0].name,
    errors: [
      await errorOf(client.chat.postMessage({ channel: "C000", text: "x" })),
      await errorOf(client.apiCall("no.suchMethod")),
      await errorOf(new WebClient("xoxb-wrong", { slackApiUrl: SLACK_API_URL }).auth.test()),
    ],
  }),
);
