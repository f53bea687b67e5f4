import { MAX_REQUEST_BYTES, VERBS } from "../../src/runtime/mqtt/requests.ts";
import { PUBLISHED } from "../../src/runtime/mqtt/topics.ts";
import { markdownTable } from "./markdown.ts";
import { fieldTable } from "./schema-text.ts";

/** docs/mqtt.md, from the tables of topics and requests. */
export function mqttDoc(): string {
  const published = Object.values(PUBLISHED).map(({ path, qos, retained, doc }) => [
    `\`${path}\``,
    String(qos),
    retained ? "yes" : "no",
    doc,
  ]);
  const payloads = Object.values(PUBLISHED).flatMap(({ path, payload }) =>
    payload.type === "strict_object" ? [`### ${path}\n\n${fieldTable(payload)}\n`] : [],
  );
  const verbs = Object.entries(VERBS).map(
    ([verb, { request, response, doc }]) =>
      `### ${verb}\n\n${doc}\n\nRequest:\n\n${fieldTable(request)}\n\nData of the answer:\n\n${fieldTable(response)}\n`,
  );
  return `# MQTT

<!-- Generated from src/runtime/mqtt by \`npm run docs\`; do not edit. -->

The device speaks MQTT 3.1.1 with QoS 1. Its topics are below \`<base>/<id>/\`: \`<base>\` is \`mqtt.baseTopic\`, \`<id>\` is
derived one-way from the machine id. Payloads are JSON objects with snake_case names, except \`availability\`. Without
\`mqtt.url\` the service brings a broker of its own, on loopback only.

No transcript, name or prompt is ever published: every published string is one of a list or matches the pattern shown
below. Nothing is queued while there is no connection: at each connect the latest value of every retained topic is
published, then \`online\`; events of the time between are lost.

## Published by the device

${markdownTable(["topic", "QoS", "retained", "meaning"], published)}

${payloads.join("\n")}
## Requests

Publish to \`request/<verb>\`, not retained, at most ${MAX_REQUEST_BYTES / 1024} KiB; an empty payload is \`{}\`. The answer comes on
\`response/<verb>\`:

- \`{"status": "ok", "data": {...}, "transaction": ...}\`
- \`{"status": "error", "code": "E_...", "error": "...", "hint": "...", "field": "..." or null, "transaction": ...}\`

\`transaction\` (a whole number, or up to 64 letters, digits and \`_ . : -\`) may be added to any request and comes back in the
answer. A transaction that was seen before (the last 64) runs nothing again and gets its first answer, since QoS 1 may
deliver twice. Retained requests are ignored: they were sent before the device was there. Unknown verbs are answered with
\`E_REQUEST_UNKNOWN\`.

${verbs.join("\n")}
## Try it

\`\`\`sh
mosquitto_sub -v -t 'asls/#'
mosquitto_pub -q 1 -t asls/<id>/request/say -m '{"text": "what time is it", "transaction": 1}'
\`\`\`
`;
}
