import { AppError } from "../../core/errors.ts";

export interface ModelSource {
  readonly url: URL;
  /** Name of the file in the store: letters, digits, `.`, `_`, `-`, ending in `.gguf`. */
  readonly fileName: string;
}

/**
 * Where a model comes from: `hf:org/repo/path/file.gguf`, with `@revision` after the repository if not `main`, or an
 * address of a .gguf file. Plain http is for this machine only: anything else could be changed on its way.
 *
 * @param hubUrl address of the model hub; default https://huggingface.co.
 * @throws AppError E_DOWNLOAD_URL.
 */
export function parseModelSource(text: string, hubUrl = "https://huggingface.co"): ModelSource {
  const url = text.startsWith("hf:") ? hubFileUrl(text, hubUrl) : addressOf(text);
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocal)) {
    throw refused("only https addresses are fetched");
  }
  if (url.username !== "" || url.password !== "") throw refused("an address with a password in it is not fetched");
  const fileName = decodeURIComponent(url.pathname.split("/").at(-1) ?? "");
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.gguf$/i.test(fileName)) {
    throw refused("the address does not end in the name of a .gguf file");
  }
  if (/-\d{5}-of-\d{5}\.gguf$/i.test(fileName)) throw refused("models split into several files are not supported");
  return { url, fileName };
}

function hubFileUrl(text: string, hubUrl: string): URL {
  const match = /^hf:([\w.-]+)\/([\w.-]+)(?:@([\w.-]+))?\/([\w./-]+)$/.exec(text);
  const [, org, repository, revision = "main", path] = match ?? [];
  if (path === undefined || path.split("/").includes("..")) throw refused("not of the form hf:org/repo/file.gguf");
  return new URL(`${hubUrl}/${org}/${repository}/resolve/${revision}/${path}`);
}

function addressOf(text: string): URL {
  if (!URL.canParse(text)) throw refused("not an address");
  const url = new URL(text);
  // The page that shows a file, copied from the browser, stands one word beside the file itself.
  if (url.hostname === "huggingface.co")
    url.pathname = url.pathname.replace(/^(\/[^/]+\/[^/]+)\/blob\//, "$1/resolve/");
  return url;
}

function refused(reason: string): AppError {
  return new AppError("E_DOWNLOAD_URL", `cannot fetch a model from there: ${reason}`);
}
