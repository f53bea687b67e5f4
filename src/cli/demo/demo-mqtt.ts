/** Somebody who watches the device's MQTT topics. */
export interface MqttWatcher {
  /** Messages seen, by topic below the device's own root. */
  readonly topics: ReadonlyMap<string, number>;
  end(): Promise<void>;
}

/** Subscribes to everything below `asls/`, and tells of each message's topic. */
export async function watchMqtt(url: string, onMessage: (topic: string) => void): Promise<MqttWatcher> {
  const { connectAsync } = await import("mqtt");
  const client = await connectAsync(url, { protocolVersion: 4 });
  const topics = new Map<string, number>();
  client.on("message", (topic) => {
    const short = topic.split("/").slice(2).join("/");
    topics.set(short, (topics.get(short) ?? 0) + 1);
    onMessage(short);
  });
  await client.subscribeAsync("asls/#");
  return { topics, end: () => client.endAsync(true) };
}
