import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseManifest } from "../../src/adapt/adapter-manifest.ts";
import { readGeneralText } from "../../src/adapt/general-text.ts";
import { readPeople } from "../../src/adapt/people-corpus.ts";
import { decodeChildLine } from "../../src/adapt/trainer-protocol.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { LineReader } from "../../src/core/line-reader.ts";
import { decodeWav, encodeWav } from "../../src/core/wav.ts";
import { encodeWyomingEvent, WyomingReader } from "../../src/core/wyoming-event.ts";
import { seal, unseal } from "../../src/profile/envelope.ts";
import { extractFacts } from "../../src/profile/fact-extractor.ts";
import { redact } from "../../src/profile/redaction.ts";
import { recogniseFeedback } from "../../src/profile/spoken-feedback.ts";
import { addTurn, NO_STYLE } from "../../src/profile/style.ts";
import { decodeWordVectors, encodeWordVectors } from "../../src/profile/word-vector-file.ts";
import { parseYamlLayer } from "../../src/runtime/config/yaml-layer.ts";
import { lineTooLong, parseReply, parseRequest } from "../../src/runtime/control/control-protocol.ts";
import { consentRequestIn } from "../../src/runtime/dialog/consent-phrases.ts";
import { guestRequestIn } from "../../src/runtime/dialog/guest-phrases.ts";
import { intentOf } from "../../src/runtime/dialog/turn-intent.ts";
import { readGovernorFile } from "../../src/runtime/governor/governor-file.ts";
import { parseTrace } from "../../src/runtime/governor/trace.ts";
import { ChatTemplate } from "../../src/runtime/llm/chat-template.ts";
import { readGgufHeader } from "../../src/runtime/llm/gguf-header.ts";
import { parseModelSource } from "../../src/runtime/llm/model-source.ts";
import { RequestRouter } from "../../src/runtime/mqtt/request-router.ts";
import { SentenceSplitter } from "../../src/runtime/output/sentence-splitter.ts";
import { asciiText, speakableText } from "../../src/runtime/output/speakable-text.ts";
import { EvdevReader } from "../../src/sensors/evdev-record.ts";
import { FrameAssembler } from "../../src/sensors/frame-assembler.ts";
import { buildGguf, f32, text, u32 } from "../support/gguf-builder.ts";

/** Something of ours that reads what others made. */
export interface Reader {
  readonly name: string;
  /** Good inputs, to be damaged. */
  readonly samples: readonly Uint8Array[];
  /** Reads it. May throw an AppError, unless `neverRefuses`; anything else thrown is a finding. */
  read(bytes: Uint8Array): unknown;
  /** It takes whatever people say. */
  readonly neverRefuses?: true;
  /** Much slower than the others: it reads files. */
  readonly isSlow?: true;
}

const bytes = (value: string) => Buffer.from(value, "utf8");
const asText = (value: Uint8Array) => Buffer.from(value).toString("utf8");
const key = Buffer.alloc(32, 7);
const place = { table: "interactions", column: "sealed_input", rowId: "i_1" };
const sentences = [
  "No, I meant the kitchen lights, not the porch.",
  "Call me Sam, I am allergic to nuts and you can reach me at sam at example dot com",
  "my number is 555 0134 567 and I live at 12 Baker Street",
  "you may remember what I say",
  "Shorter answers please. Use Celsius! 1,234.5 °F?",
].map(bytes);

function ofText(name: string, read: (value: string) => unknown): Reader {
  return { name, samples: sentences, read: (value) => read(asText(value)), neverRefuses: true };
}

/** Every reader of bytes from outside: sockets, brokers, models, devices, files, and what people say. */
export function readers(): readonly Reader[] {
  return [...protocols(), ...formats(), ...files(), ...speech()];
}

function protocols(): Reader[] {
  const log = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {}, child: () => log };
  const wyoming = encodeWyomingEvent("audio-chunk", { rate: 16_000, width: 2, channels: 1 }, Buffer.alloc(8, 1));
  return [
    {
      name: "control request",
      samples: [
        bytes('{"v":1,"method":"say","params":{"text":"hello","aloud":true}}'),
        bytes('{"v":1,"method":"press","params":{"button":"talk","holdMs":12}}'),
      ],
      read: (value) => parseRequest(asText(value)),
    },
    {
      name: "control reply",
      samples: [
        bytes('{"v":1,"type":"event","event":"turn","data":{"a":[1,2]}}'),
        bytes('{"v":1,"type":"error","code":"E_INTERNAL","message":"m","hint":"h"}'),
      ],
      read: (value) => parseReply(asText(value)),
    },
    {
      name: "lines",
      samples: [bytes("one\ntwo\n\nthree")],
      read: (value) => new LineReader(64, () => {}, lineTooLong).accept(Buffer.from(value)),
    },
    {
      name: "trainer message",
      samples: [
        bytes('{"v":1,"type":"heartbeat","state":"training","step":3,"cpu_s":1.5,"rss_mb":80}'),
        bytes('{"v":1,"type":"error","code":"E_LOSS_NAN","message":"m","retryable":false}'),
      ],
      read: (value) => decodeChildLine(asText(value)),
    },
    {
      name: "Wyoming event",
      samples: [wyoming, bytes('{"type":"transcript","data":{"text":"hello"}}\n')],
      read: (value) => new WyomingReader(() => {}).accept(value),
    },
    {
      name: "MQTT request",
      samples: [
        bytes('{"muted":true,"transaction":7}'),
        bytes('{"target":"last","rating":-1,"transaction":"a.b:c"}'),
        bytes('{"daily_wh":12.5}'),
        bytes("{}"),
      ],
      read: async (value) => {
        const router = new RequestRouter(() => {}, log, new SystemClock());
        for (const verb of ["mic/set", "feedback/submit", "power/set_budget", "options/set", "no/such"]) {
          await router.handle({ verb, payload: value, retained: false }, new AbortController().signal);
        }
      },
    },
  ];
}

function formats(): Reader[] {
  const wav = encodeWav({ samples: Int16Array.of(1, -2, 3, -4), sampleRateHz: 16_000 });
  const words = { dimensions: 2, offset: Float32Array.of(0, 0), words: [] };
  return [
    { name: "WAV", samples: [wav], read: (value) => decodeWav(value, "a.wav") },
    { name: "sealed value", samples: [seal(key, place, bytes("hello"))], read: (value) => unseal(key, place, value) },
    { name: "adapter manifest", samples: [bytes('{"v":1,"version":"a_0"}')], read: parseManifest },
    { name: "word vectors", samples: [encodeWordVectors(words)], read: decodeWordVectors },
    {
      name: "configuration file",
      samples: [bytes("mqtt: { url: 'mqtt://x', port: 1 }\nbuttons:\n  talkLine: 17\n"), bytes("a: &a [*a, <<: 1]")],
      read: (value) => parseYamlLayer(asText(value), "asls.yaml"),
    },
    {
      name: "temperature trace",
      samples: [bytes("at_s,soc_temp_c,input_w\n0,45,3.5\n60,46,\n")],
      read: (value) => parseTrace(asText(value)),
    },
    {
      name: "input events",
      samples: [Buffer.alloc(48, 1)],
      read: (value) => new EvdevReader(24).accept(Buffer.from(value)),
      neverRefuses: true,
    },
    {
      name: "PCM",
      samples: [Buffer.alloc(1_030, 3)],
      read: (value) => new FrameAssembler().push(value),
      neverRefuses: true,
    },
    {
      name: "model address",
      samples: [bytes("hf:owner/repository/model.Q8_0.gguf"), bytes("https://example.org/m.gguf?download=1")],
      read: (value) => parseModelSource(asText(value)),
    },
    {
      name: "chat template",
      samples: [
        bytes(
          "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}A:{% endif %}",
        ),
      ],
      read: (value) => new ChatTemplate(asText(value), "<s>", "</s>").render([{ role: "user", content: "hello" }]),
    },
  ];
}

function files(): Reader[] {
  const gguf = buildGguf({
    metadata: {
      "general.architecture": text("llama"),
      "llama.block_count": u32(1),
      "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
      "tokenizer.ggml.tokens": { type: "array", of: "string", values: ["a", "b"] },
    },
    tensors: [{ name: "token_embd.weight", shape: [2, 2], data: new Float32Array(4) }],
  });
  const onFile = (name: string, samples: readonly Uint8Array[], read: (path: string) => Promise<unknown>): Reader => {
    // in memory where the system has such a folder
    const folder = process.platform === "linux" ? "/dev/shm" : tmpdir();
    const path = join(folder, `asls-fuzz-${process.pid}-${name.replaceAll(" ", "-")}`);
    const readAndRemove = async (value: Uint8Array) => {
      writeFileSync(path, value);
      try {
        return await read(path);
      } finally {
        rmSync(path, { force: true });
      }
    };
    return { name, samples, read: readAndRemove, isSlow: true };
  };
  return [
    onFile("GGUF header", [gguf], readGgufHeader),
    onFile("general text", [bytes("hello\thi there\nwhat is it\tit is late\n".repeat(8))], readGeneralText),
    onFile("dialogues", [bytes('{"writer":1,"turns":["a","b"]}\n')], readPeople),
    onFile(
      "governor state",
      [bytes('{"v":1,"energy":{"day":"2026-01-01","measuredJ":1,"estimatedJ":0,"countedMs":1},"mode":null}')],
      readGovernorFile,
    ),
  ];
}

function speech(): Reader[] {
  return [
    ofText("facts", extractFacts),
    ofText("feedback", recogniseFeedback),
    ofText("consent", consentRequestIn),
    ofText("guest mode", guestRequestIn),
    ofText("intent", (value) => intentOf(value, true)),
    ofText("redaction", (value) => redact(value)),
    ofText("style", (value) => addTurn(NO_STYLE, value, "voice")),
    ofText("speakable text", (value) => asciiText(speakableText(value))),
    ofText("sentences", (value) => {
      const splitter = new SentenceSplitter();
      return [...splitter.push(value), ...splitter.end()];
    }),
  ];
}
