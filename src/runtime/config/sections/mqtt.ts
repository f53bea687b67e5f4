import { integer, oneOf, path, text, url, yesNo } from "../config-key.ts";

export const mqttSection = {
  enabled: yesNo({ default: true, doc: "Publish status and take requests over MQTT." }),
  url: url(["mqtt", "mqtts", "ws", "wss"], {
    default: "",
    doc: "Broker, e.g. mqtt://127.0.0.1:1883. Empty: a broker inside the service, reachable on loopback only.",
  }),
  embeddedPort: integer({
    min: 0,
    max: 65_535,
    default: 0,
    doc: "Loopback port of the inside broker. 0: any free one, logged at start.",
  }),
  baseTopic: text({
    default: "asls",
    pattern: /^[a-z0-9_-]+(\/[a-z0-9_-]+)*$/,
    accepts: "topic levels of a-z, 0-9, _ and -, joined by /",
    doc: "First level(s) of every topic.",
  }),
  protocolVersion: oneOf(["3.1.1", "5"], {
    default: "3.1.1",
    doc: "Version of MQTT. Every broker speaks 3.1.1; the one inside the service speaks nothing else.",
  }),
  discovery: yesNo({
    default: true,
    doc: "Announce the device to Home Assistant. false deletes the announcement.",
  }),
  discoveryPrefix: text({
    default: "homeassistant",
    pattern: /^[a-z0-9_-]+(\/[a-z0-9_-]+)*$/,
    accepts: "topic levels of a-z, 0-9, _ and -, joined by /",
    doc: "Home Assistant's discovery prefix.",
  }),
  deviceName: text({
    default: "",
    pattern: /^[\p{L}\p{N} ._-]{0,40}$/u,
    accepts: "up to 40 letters, digits, spaces, ., _ and -",
    doc: "Name of the device in Home Assistant; goes over MQTT as it is. Empty: asls and the first digits of its id.",
  }),
  clientId: text({
    default: "",
    pattern: /^[\w-]{0,64}$/,
    accepts: "up to 64 letters, digits, _ and -",
    doc: "Client id, one per device. Empty: asls-<device id>.",
  }),
  username: text({ default: "", doc: "User name at the broker. Empty: none." }),
  password: text({
    default: "",
    sensitive: true,
    doc: "Password at the broker. Prefer mqtt.passwordFile, which no process list or backup shows.",
  }),
  passwordFile: path({
    default: "",
    doc: "File with the password, read at each connect. Empty: the systemd credential mqtt-password when there is one.",
  }),
  caFile: path({
    default: "",
    doc: "Certificate authority (PEM) that signed the broker's certificate. Empty: the system's.",
  }),
  certFile: path({ default: "", doc: "Client certificate (PEM). Needs mqtt.keyFile." }),
  keyFile: path({ default: "", doc: "Key (PEM) of the client certificate." }),
  keepaliveS: integer({
    min: 5,
    max: 3_600,
    default: 30,
    doc: "Seconds between signs of life; the broker announces us offline after 1.5 times that.",
  }),
  reconnectMinMs: integer({ min: 100, max: 60_000, default: 1_000, doc: "First wait (ms) before connecting again." }),
  reconnectMaxMs: integer({
    min: 1_000,
    max: 600_000,
    default: 60_000,
    doc: "Longest wait (ms); each is doubled and jittered.",
  }),
};
