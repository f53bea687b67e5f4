import { AedesTestBroker, freePort, MosquittoTestBroker, mosquittoPath } from "../support/broker.ts";
import { statusPublisherContract } from "./status-publisher-contract.ts";

statusPublisherContract("aedes", async () => new AedesTestBroker(await freePort()), null);
statusPublisherContract(
  "mosquitto",
  async () => new MosquittoTestBroker(await freePort()),
  mosquittoPath() === null ? "needs the Debian package mosquitto" : null,
);
