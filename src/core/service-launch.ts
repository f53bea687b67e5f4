/**
 * How the service's process is started, wherever that is: the systemd unit, `npm start` and `asls demo` say the same
 * (held together by test/unit/core/service-launch.test.ts).
 */

/**
 * Young generation of V8 at 1 MiB per semi-space: the service allocates little, the default grows to 16 and stays.
 * expose-gc lets it collect the garbage of starting once, which V8 would otherwise keep for a minute or for ever.
 */
export const SERVICE_NODE_OPTIONS: readonly string[] = ["--max-semi-space-size=1", "--expose-gc"];

/**
 * Command and arguments of the service's Node such that it is stopped (SIGTERM) when whoever spawns it is gone, kill -9
 * included: setpriv of util-linux, which is on every Debian. The process id is Node's own.
 */
export function boundToParent(nodeArguments: readonly string[]): readonly [string, string[]] {
  return ["setpriv", ["--pdeathsig", "TERM", "--", process.execPath, ...nodeArguments]];
}

/**
 * mallopt(3): freed memory goes back to the system. Native threads share one arena instead of eight per core, and what is as
 * large as the piece that Node reads a socket into is mapped by itself, to leave no hole when it shrinks to what was read.
 */
export const SERVICE_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_TRIM_THRESHOLD_: "65536",
  MALLOC_MMAP_THRESHOLD_: "65536",
};
