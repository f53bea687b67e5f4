import { integer, path, text, url, yesNo } from "../config-key.ts";

export const dashboardSection = {
  enabled: yesNo({
    default: true,
    doc: "Serve the device's page. `asls dashboard url` prints its address; nothing is loaded before the first visit.",
  }),
  host: text({
    default: "127.0.0.1",
    pattern: /^[0-9a-zA-Z.:-]+$/,
    accepts: "IP address or host name of this machine",
    doc: "Address to listen on. 127.0.0.1: this machine only. 0.0.0.0 or ::: the whole network, unencrypted.",
  }),
  port: integer({ min: 0, max: 65_535, default: 8130, doc: "Port of the page. 0: any free one, new at each start." }),
  hostNames: text({
    default: "",
    pattern: /^([a-z0-9.-]+(\s*,\s*[a-z0-9.-]+)*)?$/i,
    accepts: "host names joined by commas",
    doc: "Further names under which browsers reach the page, e.g. behind a proxy. IP addresses, localhost and the machine's own name (also with .local) are always accepted.",
  }),
  tokenFile: path({
    default: "",
    doc: "File with the token that opens the page, made at the first start (mode 0600). Empty: dashboard-token in paths.stateDir.",
  }),
  brokerUrl: url(["ws", "wss"], {
    default: "",
    doc: "WebSocket listener of the MQTT broker, for the page's view of other devices. Empty: none.",
  }),
  metrics: yesNo({ default: false, doc: "Serve /metrics for Prometheus; needs the token, as everything does." }),
};
