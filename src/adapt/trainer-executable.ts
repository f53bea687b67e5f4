import { existsSync } from "node:fs";
import { packageRoot } from "../core/built-file.ts";
import { AppError } from "../core/errors.ts";

/**
 * Path of the native trainer: `configured` when given, else `build/trainer/asls-trainer` of this installation.
 * @throws AppError E_TRAINER_MISSING.
 */
export function trainerExecutable(configured: string | null = null): string {
  const path = configured ?? `${packageRoot}build/trainer/asls-trainer`;
  if (!existsSync(path)) throw new AppError("E_TRAINER_MISSING", `there is no trainer at ${path}`);
  return path;
}
