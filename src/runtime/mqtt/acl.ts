import { birthTopic, discoveryTopic } from "../homeassistant/discovery.ts";
import { VERBS } from "./requests.ts";
import { PUBLISHED } from "./topics.ts";

export interface AclUsers {
  /** The device's account at the broker. */
  readonly device: string;
  readonly dashboard: string;
  readonly homeAssistant: string;
}

export interface AclScope {
  readonly baseTopic: string;
  readonly discoveryPrefix: string;
  /** One device; null: every device, each with its id as its user name. */
  readonly deviceId: string | null;
}

/**
 * Mosquitto's access list (`acl_file`), from the table of topics: the device writes its own tree and reads its requests;
 * a dashboard reads everything and asks for what {@link VERBS} allows it; Home Assistant may ask for everything.
 *
 * @see mosquitto.conf(5), acl_file
 */
export function mosquittoAcl({ baseTopic, discoveryPrefix, deviceId }: AclScope, users: AclUsers): string {
  const id = deviceId ?? "%u";
  const rule = deviceId === null ? "pattern" : "topic";
  const own = (access: "read" | "write", path: string) => `${rule} ${access} ${baseTopic}/${id}/${path}`;
  const published = Object.values(PUBLISHED).map(({ path }) => own("write", path.replace(/<[^>]+>/, "+")));
  const device = [
    ...published,
    own("write", "response/#"),
    own("read", "request/#"),
    `${rule} write ${discoveryTopic(discoveryPrefix, id)}`,
    `${rule === "topic" ? "topic" : "pattern"} read ${birthTopic(discoveryPrefix)}`,
  ];
  const any = deviceId ?? "+";
  const asked = Object.entries(VERBS)
    .filter(([, { dashboard }]) => dashboard)
    .map(([verb]) => `topic write ${baseTopic}/${any}/request/${verb}`);
  const title =
    deviceId === null
      ? "# Every device: its user name is its id."
      : `# The device ${deviceId}: writes its own tree, reads its requests.`;
  return [
    ...(deviceId === null ? [] : [title, `user ${users.device}`, ...device, ""]),
    "# A dashboard: sees everything; may neither touch consent nor erase, speak or restart.",
    `user ${users.dashboard}`,
    `topic read ${baseTopic}/${any}/#`,
    ...asked,
    "",
    "# Home Assistant: sees everything and may ask for everything.",
    `user ${users.homeAssistant}`,
    `topic read ${baseTopic}/${any}/#`,
    `topic write ${baseTopic}/${any}/request/#`,
    `topic readwrite ${discoveryPrefix}/#`,
    "",
    // Patterns hold for every user and must stand outside of the users' sections.
    ...(deviceId === null ? [title, ...device, ""] : []),
  ].join("\n");
}
