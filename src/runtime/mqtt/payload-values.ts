import * as v from "valibot";
import { ERROR_CODES, type ErrorCode } from "../../core/errors.ts";

/** Values that payloads are made of. None of them takes free text. */

export const count = v.pipe(v.number(), v.integer(), v.minValue(0));
export const epochMs = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8_640_000_000_000_000));
export const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
/** Letters, digits and punctuation of versions and model names. The name comes from the model file, not from a user. */
export const modelName = v.pipe(v.string(), v.regex(/^[\w .:+()/-]{1,64}$/));
export const version = v.pipe(v.string(), v.regex(/^v?\d[\w.+-]{0,40}$/));

export const errorCodes = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]];
export const errorCode = v.picklist(errorCodes);

export const number = v.pipe(v.number(), v.finite());
export const percent = v.pipe(number, v.minValue(0), v.maxValue(100));

/** A random profile id (core/ids), never a name. */
export const profileId = v.pipe(v.string(), v.regex(/^[a-z]{1,8}_[0-9a-f]{16}$/));
/** A random id of a training job. */
export const jobId = v.pipe(v.string(), v.regex(/^j_[0-9a-f]{16}$/));

/** A version of core/ids and the adapter store: 16 digits of a hash. */
export const adapterVersion = v.pipe(v.string(), v.regex(/^a_[0-9a-f]{16}$/));

/** Words of a code: E_MIC_UNAVAILABLE is `Mic unavailable`. */
export function alertMessage(code: ErrorCode): string {
  const words = code.slice(2).replaceAll("_", " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
