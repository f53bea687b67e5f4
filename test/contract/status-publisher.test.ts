import { AedesTestBroker, freePort, MosquittoTestBroker, mosquittoPath } from "../support/broker.ts";
import { statusPublisherContract } from "./status-publisher-contract.ts";

statusPublisherContract("aedes", async () => new AedesTestBroker(await freePort()), null);
statusPublisherContract(
  "mosquitto",
  // Its default drops what a client has not taken beyond 1,000 messages: every request of a flood must arrive here.
  async () => new MosquittoTestBroker(await freePort(), ["allow_anonymous true", "max_queued_messages 0"]),
  mosquittoPath() === null ? "needs the Debian package mosquitto" : null,
);
