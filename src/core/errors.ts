/** What the owner of a failing part must know about it: may the caller try again, and what the user does next. */
export interface ErrorCodeInfo {
  /** True when the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean;
  /** The user's next step, one sentence, no user text. */
  readonly nextStep: string;
}

/**
 * Every error code of the product. `docs/errors.md` is generated from this table and tested against it.
 * Keep the groups sorted by prefix; add a row here before throwing a new code.
 */
export const ERROR_CODES = {
  E_INTERNAL: { retryable: false, nextStep: "This is a defect in asls: please report it with the log line." },
  E_USAGE: { retryable: false, nextStep: "Run the command with --help." },
  E_ABORTED: { retryable: true, nextStep: "Nothing: the operation was cancelled on request." },
  E_TIMEOUT: { retryable: true, nextStep: "Try again; if it persists, run `asls doctor`." },
  E_FILE_UNREADABLE: {
    retryable: false,
    nextStep: "Check that the path exists and that the service user may read it.",
  },
  E_FILE_UNWRITABLE: { retryable: true, nextStep: "Check free space and the permissions of the folder." },
  E_DISK_FULL: { retryable: true, nextStep: "Free some space on the data partition; nothing was half-written." },
  E_TOO_MANY_FILES: {
    retryable: true,
    nextStep: "Restart the service; if it comes back, raise LimitNOFILE= of the unit and report it as a defect.",
  },
  E_ALREADY_RUNNING: { retryable: false, nextStep: "Stop the other service first, or use another paths.runtimeDir." },
  E_SERVICE_NOT_RUNNING: { retryable: true, nextStep: "Start it with `asls run` (or `systemctl start asls`)." },
  E_MODEL_NOT_READY: { retryable: true, nextStep: "Run `asls doctor`; choose a model with `asls model use`." },
  E_FACT_UNKNOWN: { retryable: false, nextStep: "See the ids with `asls profile show`." },
  E_INTERACTION_UNKNOWN: { retryable: false, nextStep: "See the ids with `asls profile export`." },
  E_CONSENT_MISSING: {
    retryable: false,
    nextStep: "Allow it first: say `you may remember what I say`, or `asls consent grant store`.",
  },
  E_VIRTUAL_ONLY: { retryable: false, nextStep: "Use the board itself, or start the service with `--board virtual`." },
  E_NOTHING_TO_RATE: { retryable: false, nextStep: "Ask something first, then rate the answer." },
  E_CONTROL_PROTOCOL: { retryable: false, nextStep: "Use the `asls` command of the same version as the service." },
  E_CONFIG_INVALID: {
    retryable: false,
    nextStep: "Correct the listed keys; `asls config print` shows where each came from.",
  },
  E_SENSOR_FAILED: {
    retryable: true,
    nextStep: "`asls governor status` names the probe; training waits until it can be read again.",
  },
  E_UNDER_VOLTAGE: {
    retryable: true,
    nextStep: "Use the power supply and the cable that the board's maker recommends; training waits until then.",
  },
  E_CLOCK_SET: {
    retryable: true,
    nextStep: "Nothing, if the time is right now: nothing expires until the clock has run evenly for an hour.",
  },
  E_GPIO_UNAVAILABLE: {
    retryable: true,
    nextStep: "Check buttons.* and led.* in the configuration; `asls doctor` shows what the board offers.",
  },
  E_AUDIO_OUTPUT_UNAVAILABLE: {
    retryable: true,
    nextStep: "Check output.device (`aplay -L` lists the devices) or set output.kind to wav.",
  },
  E_TTS_FAILED: { retryable: true, nextStep: "Try again; if it persists, run `asls doctor`." },
  E_TTS_UNAVAILABLE: {
    retryable: false,
    nextStep: "Install the voice named in the message or choose another tts.engine.",
  },
  E_WYOMING_PROTOCOL: { retryable: true, nextStep: "Check that the uri names a Wyoming server of the right kind." },
  E_BACKUP_MISSING: {
    retryable: false,
    nextStep:
      "Install the newer asls again: copies are removed when something is deleted, and then only it reads the rest.",
  },
  E_DB_CORRUPT: {
    retryable: false,
    nextStep: "Stop the service and restore the newest profile.db.v*.bak, or move the database away to start empty.",
  },
  E_DB_FAILED: { retryable: false, nextStep: "This is a defect in asls: please report it with the log line." },
  E_DB_FROM_FUTURE: {
    retryable: false,
    nextStep: "Install the newer asls that wrote this profile database, or run `asls profile restore-backup`.",
  },
  E_DB_IO: { retryable: true, nextStep: "Check the data partition: `dmesg`, free space, read-only remounts." },
  E_DB_LOCKED: { retryable: true, nextStep: "Stop the other asls process that has the profile database open." },
  E_DB_UNAVAILABLE: { retryable: false, nextStep: "Check that the data folder exists and the service user owns it." },
  E_EMBEDDER_INVALID: {
    retryable: false,
    nextStep: "Restore models/words-en-100d.bin (`git checkout models/`); until then retrieval is less accurate.",
  },
  E_KEY_INVALID: { retryable: false, nextStep: "Restore the device key: 32 random bytes, raw, hex or base64." },
  E_KEY_MISMATCH: {
    retryable: false,
    nextStep: "Restore the device key this profile was made with; without it the profile cannot be read.",
  },
  E_KEY_PERMISSIONS: { retryable: false, nextStep: "chmod 600 the device key and let the service user own it." },
  E_CONSENT_NEEDS_PRESENCE: {
    retryable: false,
    nextStep: "Give consent at the device: hold the talk button, or say it.",
  },
  E_CONFIRM_INVALID: {
    retryable: false,
    nextStep: "Ask again without `confirm`, and repeat the request within 60 s with the one that the answer returns.",
  },
  E_PROFILE_UNKNOWN: { retryable: false, nextStep: "List the profiles: `asls profile list`." },
  E_MQTT_UNREACHABLE: {
    retryable: true,
    nextStep: "Check mqtt.url and that the broker runs; the device goes on without it and keeps trying.",
  },
  E_MQTT_REFUSED: {
    retryable: true,
    nextStep: "Check mqtt.username, mqtt.passwordFile and the broker's access list.",
  },
  E_MQTT_TLS: {
    retryable: true,
    nextStep: "Check mqtt.caFile, mqtt.certFile, mqtt.keyFile, the host name and the device's clock.",
  },
  E_MQTT_VERSION: { retryable: false, nextStep: "Set mqtt.protocolVersion to the version that the broker speaks." },
  E_MQTT_PORT: { retryable: true, nextStep: "Free the port, or set mqtt.embeddedPort to 0." },
  E_DASHBOARD_OFF: {
    retryable: true,
    nextStep: "Set dashboard.enabled to true; when it is, `asls status` shows the alert that says why it is not there.",
  },
  E_DASHBOARD_PORT: {
    retryable: true,
    nextStep: "Free the port, or set another dashboard.port (0 takes any free one); the rest of the device works.",
  },
  E_DASHBOARD_TOKEN: {
    retryable: true,
    nextStep: "Delete the token file: a new one is made; `asls dashboard url` prints the new address.",
  },
  E_ACCESS_DENIED: {
    retryable: false,
    nextStep: "Open the address that `asls dashboard url` prints on the device, or send its token.",
  },
  E_ACCESS_FOREIGN: {
    retryable: false,
    nextStep: "Use the device's own address; further names of it go into dashboard.hostNames.",
  },
  E_ACCESS_LIMITED: { retryable: true, nextStep: "Wait a minute: there were too many wrong tokens from this address." },
  E_REQUEST_BUSY: { retryable: true, nextStep: "Wait for the responses to earlier requests, then send it again." },
  E_REQUEST_RATE: { retryable: true, nextStep: "Send fewer of them; docs/mqtt.md says how many a minute are taken." },
  E_REQUEST_INVALID: { retryable: false, nextStep: "Compare the payload with docs/mqtt.md." },
  E_REQUEST_TOO_LARGE: { retryable: false, nextStep: "Send at most 16 KiB." },
  E_REQUEST_UNKNOWN: { retryable: false, nextStep: "docs/mqtt.md lists the requests this version serves." },
  E_TRAINER_MISSING: { retryable: false, nextStep: "Build the trainer: `sh deploy/build-trainer.sh`." },
  E_TRAINER_PROTOCOL: {
    retryable: false,
    nextStep: "asls and asls-trainer are of different releases: run `sh deploy/build-trainer.sh` again.",
  },
  E_TRAINER_SILENT: {
    retryable: true,
    nextStep: "The trainer hung and was killed; the job goes on from its checkpoint.",
  },
  E_TRAINER_CRASHED: { retryable: true, nextStep: "Look at the trainer's last log lines; run `asls doctor`." },
  E_TRAINER_BUSY: { retryable: true, nextStep: "Wait until the running job is done, or stop it." },
  E_TRAINER_USAGE: { retryable: false, nextStep: "Correct the option that the message names." },
  E_TRAINER_TAG_MISMATCH: {
    retryable: false,
    nextStep: "node-llama-cpp was updated: rebuild the trainer with deploy/build-trainer.sh.",
  },
  E_TRAINER_BACKEND: {
    retryable: false,
    nextStep: "Use backend cpu, or run `asls doctor` to see why this one is absent.",
  },
  E_TRAINER_INTERNAL: {
    retryable: true,
    nextStep: "This is a defect in asls-trainer: please report it with the log line.",
  },
  E_TRAINER_WRITE: {
    retryable: true,
    nextStep: "Check free space and the permissions of the folder; nothing was half-written.",
  },
  E_ARCH_UNSUPPORTED: {
    retryable: false,
    nextStep: "Use a llama, qwen2 or qwen3 model without the feature that the message names.",
  },
  E_MODEL_UNREADABLE: { retryable: false, nextStep: "Check the path of the model and that the file is a GGUF." },
  E_MODEL_TRUNCATED: { retryable: false, nextStep: "The model file is incomplete: copy it again." },
  E_MODEL_INVALID: {
    retryable: false,
    nextStep: "The model file lacks a tensor or has one of the wrong shape: convert it again.",
  },
  E_ADAPTER_INVALID: { retryable: false, nextStep: "The adapter file is damaged: use another version." },
  E_ADAPTER_MISMATCH: {
    retryable: false,
    nextStep: "The adapter belongs to another base model or has another shape than asked for.",
  },
  E_ADAPTER_UNKNOWN: { retryable: false, nextStep: "List the versions: `asls adapter list`." },
  E_ADAPTER_GONE: {
    retryable: false,
    nextStep: "That version was revoked or cleared away; choose another: `asls adapter list`.",
  },
  E_ADAPTER_OTHER_BASE: {
    retryable: false,
    nextStep: "Nothing: a new adapter is trained for the present model; the old one serves again with its own model.",
  },
  E_TRAINING_INELIGIBLE: {
    retryable: true,
    nextStep: "See what stands in the way: `asls train status`.",
  },
  E_CHECKPOINT_INVALID: { retryable: false, nextStep: "The checkpoint is damaged: start again without it." },
  E_CHECKPOINT_MISMATCH: {
    retryable: false,
    nextStep: "The checkpoint was made with another model, data or options: start again without it.",
  },
  E_LOSS_NAN: { retryable: false, nextStep: "Lower the learning rate; the last checkpoint is good." },
  E_MEMORY_BUDGET: {
    retryable: true,
    nextStep: "Give the job more memory, shorter examples or fewer sequences per step.",
  },
  E_DATA_INVALID: { retryable: false, nextStep: "Correct the named line of the training data." },
  E_WAV_INVALID: { retryable: false, nextStep: "Record the file again, or export it as 16-bit PCM WAV." },
  E_WAV_UNSUPPORTED: { retryable: false, nextStep: "Convert the file: `sox in.wav -b 16 -e signed out.wav`." },
  E_WAV_RATE: { retryable: false, nextStep: "Convert the file: `sox in.wav -r 16000 -c 1 -b 16 out.wav`." },
  E_MIC_UNAVAILABLE: {
    retryable: true,
    nextStep: "Plug the microphone in and check `arecord -l`; `apt install alsa-utils` if arecord is missing.",
  },
  E_MIC_SILENT: {
    retryable: true,
    nextStep: "Check the capture level and the mute switch of the sound card with `alsamixer`.",
  },
  E_MIC_CLIPPED: { retryable: true, nextStep: "Lower the capture level with `alsamixer`." },
  E_MIC_RATE: {
    retryable: false,
    nextStep: "Use a `plughw:` device in microphone.device, so that ALSA resamples to 16 kHz.",
  },
  E_MIC_LOST: { retryable: true, nextStep: "Plug the microphone in again; the service reconnects by itself." },
  E_HEARING_WORKER: { retryable: true, nextStep: "Nothing: the service restarts hearing by itself." },
  E_VAD_UNAVAILABLE: {
    retryable: false,
    nextStep: "Restore models/silero_vad_v5.onnx and run `npm ci` to reinstall sherpa-onnx-node.",
  },
  E_WAKE_PHRASE: {
    retryable: false,
    nextStep: "Choose a wake phrase of two or more words that the pronunciation dictionary knows.",
  },
  E_STT_UNAVAILABLE: {
    retryable: true,
    nextStep:
      "Install the recogniser: `apt install pocketsphinx pocketsphinx-en-us`, or check the speech-to-text settings.",
  },
  E_STT_MODEL: {
    retryable: false,
    nextStep: "Point the setting at a sherpa-onnx model folder as it was unpacked: tokens.txt beside its .onnx files.",
  },
  E_SPEAKER_MODEL: {
    retryable: false,
    nextStep: "Point speaker.model at a speaker embedding model of sherpa-onnx (an .onnx file), or leave it empty.",
  },
  E_STT_FAILED: { retryable: true, nextStep: "Say it again; if it persists, run `asls doctor`." },
  E_MODEL_MISSING: {
    retryable: false,
    nextStep: "List what is installed: `asls model list`; fetch one: `asls model pull`.",
  },
  E_MODEL_MEMORY: { retryable: false, nextStep: "Lower model.contextTokens or use a smaller model." },
  E_MODEL_LOAD: {
    retryable: false,
    nextStep: "Run `asls doctor`; try the shipped model to see whether the file is at fault.",
  },
  E_LLM_UNAVAILABLE: {
    retryable: false,
    nextStep: "Run `npm ci` again: node-llama-cpp's library for this machine is missing.",
  },
  E_GENERATION_FAILED: { retryable: true, nextStep: "Ask again; if it persists, run `asls doctor`." },
  E_INPUT_TOO_LONG: { retryable: false, nextStep: "Say it shorter, or raise model.contextTokens." },
  E_DOWNLOAD_URL: { retryable: false, nextStep: "Use `hf:org/repo/file.gguf` or an https:// address of a .gguf file." },
  E_DOWNLOAD_REFUSED: { retryable: false, nextStep: "Check the address; private files need a token (--token-file)." },
  E_DOWNLOAD_INTERRUPTED: { retryable: true, nextStep: "Run the same command again: it continues where it stopped." },
  E_DOWNLOAD_HASH: {
    retryable: false,
    nextStep: "The file was not what its hash promised and was deleted; check the source.",
  },
} as const satisfies Record<string, ErrorCodeInfo>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface AppErrorOptions {
  /** A more specific next step than the table's. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Structured facts for logs and `--json`; never user text. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

/** An error with a code from {@link ERROR_CODES}. The message never contains user text. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.hint = options.hint ?? ERROR_CODES[code].nextStep;
    this.details = options.details ?? {};
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** True for an {@link AppError}, with that code when one is given. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}

/** Wraps anything thrown into an {@link AppError}; an AppError passes through unchanged. */
export function toAppError(error: unknown, code: ErrorCode, message: string): AppError {
  return error instanceof AppError ? error : new AppError(code, message, { cause: error });
}

/** Node's system error code (`ENOENT`, `ENOSPC`, ...), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}

export function isEnoent(error: unknown): boolean {
  return systemErrorCode(error) === "ENOENT";
}
