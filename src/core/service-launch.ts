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
 * jemalloc instead of glibc's malloc, whose heap grows over weeks of turns (docs/develop.md, "Long runs"). Native threads share
 * one arena and keep nothing that is free for themselves; a thread of its own gives pages back that were free for two seconds,
 * at once and not when the system asks.
 * Where the library is missing the dynamic loader says so, and glibc's malloc serves.
 * @see https://jemalloc.net/jemalloc.3.html#tuning
 */
export const SERVICE_ENVIRONMENT: Readonly<Record<string, string>> = {
  LD_PRELOAD: "libjemalloc.so.2",
  MALLOC_CONF: "narenas:1,background_thread:true,dirty_decay_ms:2000,muzzy_decay_ms:0,tcache:false",
};

/** This process's environment without {@link SERVICE_ENVIRONMENT}: for a child whose memory is its own business. */
export function environmentOfOthers(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name, value]) => SERVICE_ENVIRONMENT[name] !== value));
}
