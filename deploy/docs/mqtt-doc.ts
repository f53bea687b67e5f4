import { ENTITIES, type EntityRow } from "../../src/runtime/homeassistant/entities.ts";
import { mosquittoAcl } from "../../src/runtime/mqtt/acl.ts";
import { MAX_REQUEST_BYTES, VERBS } from "../../src/runtime/mqtt/requests.ts";
import { PUBLISHED } from "../../src/runtime/mqtt/topics.ts";
import { markdownTable } from "./markdown.ts";
import { fieldTable } from "./schema-text.ts";

/** docs/mqtt.md, from the tables of topics and requests. */
export function mqttDoc(): string {
  const published = Object.values(PUBLISHED).map(({ path, qos, retained, everyMs, doc }) => [
    `\`${path}\``,
    String(qos),
    retained ? "yes" : "no",
    everyMs === 0 ? "" : `${everyMs / 1000} s`,
    doc,
  ]);
  const payloads = Object.values(PUBLISHED).flatMap(({ path, payload }) =>
    payload.type === "strict_object" ? [`### ${path}\n\n${fieldTable(payload)}\n`] : [],
  );
  const verbs = Object.entries(VERBS).map(
    ([verb, { request, response, doc, perMinute, dashboard }]) =>
      `### ${verb}\n\n${doc} At most ${perMinute} a minute${dashboard ? "" : "; not for a dashboard's user"}.\n\nRequest:\n\n${fieldTable(request)}\n\nData of the answer:\n\n${fieldTable(response)}\n`,
  );
  return `# MQTT

<!-- Generated from src/runtime/mqtt by \`npm run docs\`; do not edit. -->

The device speaks MQTT 3.1.1, or 5 when \`mqtt.protocolVersion\` says so. Its topics are below \`<base>/<id>/\`: \`<base>\` is \`mqtt.baseTopic\`, \`<id>\` is
derived one-way from the machine id. Payloads are JSON objects with snake_case names, except \`availability\`. Without
\`mqtt.url\` the service brings a broker of its own, on loopback only.

No transcript, name or prompt is ever published: every published string is one of a list or matches the pattern shown
below. Nothing is queued while there is no connection: at each connect the latest value of every retained topic is
published, then \`online\`; events of the time between are lost.

## Published by the device

${markdownTable(["topic", "QoS", "retained", "at most every", "meaning"], published)}

${payloads.join("\n")}
## Requests

Publish to \`request/<verb>\`, not retained, at most ${MAX_REQUEST_BYTES / 1024} KiB; an empty payload is \`{}\`. The answer comes on
\`response/<verb>\`:

- \`{"status": "ok", "data": {...}, "transaction": ...}\`
- \`{"status": "error", "code": "E_...", "error": "...", "hint": "...", "field": "..." or null, "transaction": ...}\`

\`transaction\` (a whole number, or up to 64 letters, digits and \`_ . : -\`) may be added to any request and comes back in the
answer. A transaction that was seen before (the last 64) runs nothing again and gets its first answer, since QoS 1 may
deliver twice. Retained requests are ignored: they were sent before the device was there. Unknown verbs are answered with
\`E_REQUEST_UNKNOWN\`. Eight requests run at a time, more are \`E_REQUEST_BUSY\`; a verb that comes oftener than its section
says is \`E_REQUEST_RATE\`. The device takes 200 messages a second; faster ones wait at the broker, which drops what is too much
for it, so that the user's turns do not wait for requests. Nothing has run after one of these errors, and the same transaction may be sent again. Responses that the broker does
not take in time (64 are under way) are dropped and counted in \`health\`.

${verbs.join("\n")}
## Home Assistant

With \`mqtt.discovery\` the device announces itself at \`<prefix>/device/<id>/config\` (retained; \`<prefix>\` is
\`mqtt.discoveryPrefix\`), so that Home Assistant shows it as one device with these entities. It listens to
\`<prefix>/status\` and announces itself again, with all states, 0.5 to 10 s after Home Assistant has started. The announcement
is deleted when \`mqtt.discovery\` is false at the next start, and by \`asls mqtt discovery clear\` (which is for removing the
package). [homeassistant-discovery.json](examples/homeassistant-discovery.json) is an example of it.

${markdownTable(["entity", "platform", "shows", "sends", "notes"], ENTITIES.map(entityRow))}

## Node-RED

[node-red-flow.json](examples/node-red-flow.json) (Import in the menu of Node-RED's editor; standard nodes only) does four things for
every device on a broker: the standing alerts as JSON at \`GET /asls/alerts\`, quiet nights, training while there is solar power
to spare, and refused requests in the debug window. Set server and account in its broker node; the accounts of the access list
below that may do all of it are the dashboard's and Home Assistant's. It was run with Node-RED 4.1.15 against Mosquitto and the
service on the virtual board.

## Access

\`asls mqtt acl print\` makes Mosquitto's \`acl_file\` from the tables above, for three accounts: the device, a dashboard and
Home Assistant. With \`--fleet\` it is for a broker of many devices, each of which logs in with its id as user name.
Whoever subscribes to a whole fleet gets every retained topic at once: about 10 messages a device. Mosquitto drops what exceeds
\`max_queued_messages\` (1,000 unless configured) without a word; set it to 20 for each device of the fleet.

\`\`\`
${mosquittoAcl({ baseTopic: "asls", discoveryPrefix: "homeassistant", deviceId: "0123456789ab" }, { device: "asls", dashboard: "dashboard", homeAssistant: "homeassistant" }).trimEnd()}
\`\`\`

## Try it

\`\`\`sh
asls mqtt watch
mosquitto_sub -v -t 'asls/#'
mosquitto_pub -q 1 -t asls/<id>/request/say -m '{"text": "what time is it", "transaction": 1}'
\`\`\`
`;
}

function entityRow({ key, platform, state, command, category, isOffByDefault, needs }: EntityRow): string[] {
  const notes = [
    ...(category === undefined ? [] : [category]),
    ...(isOffByDefault === true ? ["off by default"] : []),
    ...(needs === undefined ? [] : ["only where the board measures it"]),
  ];
  return [
    `\`${key}\``,
    platform,
    state === undefined ? "" : `\`${PUBLISHED[state].path}\``,
    command === undefined ? "" : `\`${command}\``,
    notes.join(", "),
  ];
}
