import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../../core/atomic-file.ts";
import { AppError, isEnoent, systemErrorCode } from "../../core/errors.ts";

/** Of a cookie; a visit within it renews it. */
export const SESSION_S = 30 * 24 * 3_600;

const TOKEN = /^[\w-]{32,128}$/;

/**
 * The secret that opens the dashboard. Cookies are derived from it, so that they outlive a restart without being stored,
 * and a new token ends every session.
 */
export class AccessToken {
  readonly text: string;

  /** @param text 32 to 128 letters, digits, `_` and `-`. */
  constructor(text: string) {
    this.text = text;
  }

  /**
   * The token in that file; made (256 random bits, mode 0600) when there is none.
   * @throws AppError E_DASHBOARD_TOKEN (unreadable, or no token in it), E_DISK_FULL, E_FILE_UNWRITABLE.
   */
  static async open(path: string): Promise<AccessToken> {
    try {
      const text = (await readFile(path, "utf8")).trim();
      if (!TOKEN.test(text)) throw new AppError("E_DASHBOARD_TOKEN", `${path} holds no token`);
      return new AccessToken(text);
    } catch (error) {
      if (isEnoent(error)) return AccessToken.#make(path);
      if (error instanceof AppError) throw error;
      const reason = systemErrorCode(error) ?? "unknown reason";
      throw new AppError("E_DASHBOARD_TOKEN", `cannot read ${path} (${reason})`, { cause: error });
    }
  }

  static async #make(path: string): Promise<AccessToken> {
    const text = randomBytes(32).toString("base64url");
    await writeFileAtomic(path, `${text}\n`);
    return new AccessToken(text);
  }

  /** Takes as long for a wrong token as for the right one. */
  isRight(given: string): boolean {
    return isSame(given, this.text);
  }

  /** Value of a cookie that is good for {@link SESSION_S}. */
  cookie(nowMs: number): string {
    const untilS = Math.floor(nowMs / 1000) + SESSION_S;
    return `${untilS}.${this.#signature(untilS)}`;
  }

  isGoodCookie(value: string, nowMs: number): boolean {
    const match = /^(\d{1,12})\.([\w-]{43})$/.exec(value);
    if (match === null) return false;
    const untilS = Number(match[1]);
    return isSame(match[2] ?? "", this.#signature(untilS)) && untilS * 1000 > nowMs;
  }

  #signature(untilS: number): string {
    return createHmac("sha256", this.text).update(`asls dashboard session until ${untilS}`).digest("base64url");
  }
}

/** Hashed first, so that the lengths are equal whatever was given. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
