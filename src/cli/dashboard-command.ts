import { Command } from "commander";
import type { DashboardAddress } from "../runtime/dashboard/dashboard-server.ts";
import { print } from "./context.ts";
import { ask, client, type JsonOption } from "./service-client.ts";

/** `asls dashboard`: the device's own page. */
export function dashboardCommand(): Command {
  const url = client(
    "url",
    "print the address of the running device's page, with the token that opens it",
    '  asls dashboard url\n  xdg-open "$(asls dashboard url)"\n  asls dashboard url --json',
  )
    .addHelpText(
      "after",
      "\nWhoever has this address can see and change everything on the page: treat it as a password. From another\n" +
        "computer: ssh -L 8130:127.0.0.1:8130 DEVICE, then open the address there.",
    )
    .action(async ({ json }: JsonOption, command: Command) => {
      const address = (await ask(command, "dashboard", {})) as DashboardAddress;
      print(json, address, () => address.signInUrl);
    });
  return new Command("dashboard").description("the device's own page").addCommand(url);
}
