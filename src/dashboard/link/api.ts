/** What the device that serves this page says of itself, or null when none does: the files are hosted elsewhere. */
export interface ServedBy {
  readonly deviceId: string;
  readonly isSignedIn: boolean;
  /** WebSocket address of a broker with more devices, or null. */
  readonly brokerUrl: string | null;
  readonly baseTopic: string;
}

interface ApiOptions {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly body?: object;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;

/** A request to the device that serves this page. @throws TypeError when it cannot be reached in time. */
export function api(
  path: string,
  { method = "GET", body, timeoutMs = TIMEOUT_MS }: ApiOptions = {},
): Promise<Response> {
  return fetch(path, {
    method,
    credentials: "same-origin",
    cache: "no-store",
    signal: AbortSignal.timeout(timeoutMs),
    ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
}

/** A refused or failed API call: what went wrong and what to do, in the device's words. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;

  constructor(status: number, code: string, message: string, hint: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** The JSON of a call that succeeded. @throws ApiError. */
export async function apiJson<T>(path: string, options: ApiOptions = {}): Promise<T> {
  let response: Response;
  try {
    response = await api(path, options);
  } catch {
    throw new ApiError(0, "", "The device cannot be reached", "Check that it is running, then try again.");
  }
  if (response.ok) return (await response.json()) as T;
  const { code, error, hint } = ((await response.json().catch(() => null)) ?? {}) as Record<string, unknown>;
  const [shownCode, message, shownHint] = [code, error ?? "It did not work", hint].map((each) => String(each ?? ""));
  throw new ApiError(response.status, shownCode ?? "", message ?? "", shownHint ?? "");
}

/** Who serves this page; null for plain static hosting. */
export async function servedBy(): Promise<ServedBy | null> {
  const response = await api("api/session").catch(() => null);
  if (response?.ok !== true || !response.headers.get("content-type")?.startsWith("application/json")) return null;
  const session = (await response.json().catch(() => null)) as Record<string, unknown> | null;
  if (session?.service !== "asls") return null;
  return {
    // Told to those who are signed in only.
    deviceId: typeof session.device_id === "string" ? session.device_id : "",
    isSignedIn: session.signed_in === true,
    brokerUrl: typeof session.broker_url === "string" ? session.broker_url : null,
    baseTopic: typeof session.base_topic === "string" ? session.base_topic : "asls",
  };
}

/** `unknown` when the device cannot be asked. */
export async function isSignedIn(): Promise<"yes" | "no" | "unknown"> {
  const session = await servedBy();
  if (session === null) return "unknown";
  return session.isSignedIn ? "yes" : "no";
}

/** Exchanges the token for a cookie. @throws ApiError with status 401 for a wrong one, 429 after too many. */
export async function signIn(token: string): Promise<void> {
  await apiJson<unknown>("api/session", { method: "POST", body: { token } });
}
