import { writeFile } from "node:fs/promises";
import { join } from "node:path";

const SAMPLE_RATE_HZ = 16_000;
/** Samples per character: 75 ms. */
const SAMPLES_PER_TOKEN = 1200;
const CHARACTERS = " abcdefghijklmnopqrstuvwxyz.,;:!?'-";
const FLOAT = 1;
const INT64 = 7;

type Field = readonly [number: number, value: number | string | Uint8Array];

/** Protocol buffer message: varints for numbers, length-delimited text and bytes. */
function message(...fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    if (typeof value === "number") parts.push(varint(number << 3), varint(value));
    else {
      const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
      parts.push(varint((number << 3) | 2), varint(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

const node = (operator: string, inputs: readonly string[], output: string, ...attributes: readonly Uint8Array[]) =>
  message(
    ...inputs.map((name): Field => [1, name]),
    [2, output],
    [4, operator],
    ...attributes.map((attribute): Field => [5, attribute]),
  );

const valueInfo = (name: string, elementType: number, dimensions: readonly string[]) => {
  const shape = message(...dimensions.map((parameter): Field => [1, message([2, parameter])]));
  return message([1, name], [2, message([1, message([1, elementType], [2, shape])])]);
};

const int64Tensor = (name: string, values: readonly number[]) => {
  const raw = new BigInt64Array(values.map(BigInt));
  return message([1, values.length], [2, INT64], [8, name], [9, new Uint8Array(raw.buffer)]);
};

const floatTensor = (name: string, value: number) =>
  message([1, 1], [2, FLOAT], [8, name], [9, new Uint8Array(new Float32Array([value]).buffer)]);

/** VITS by its shape, a fool by its training: each character is 75 ms at a level of its own. */
function vitsModel(): Uint8Array {
  const graph = message(
    [1, node("Cast", ["x"], "tokens", message([1, "to"], [3, FLOAT], [20, 2]))],
    [1, node("Mul", ["tokens", "gain"], "levels")],
    [1, node("Unsqueeze", ["levels", "axis"], "columns")],
    [1, node("Tile", ["columns", "repeats"], "rows")],
    [1, node("Reshape", ["rows", "line"], "y")],
    [2, "tiny-voice"],
    [5, floatTensor("gain", 0.02)],
    [5, int64Tensor("axis", [2])],
    [5, int64Tensor("repeats", [1, 1, SAMPLES_PER_TOKEN])],
    [5, int64Tensor("line", [1, 1, -1])],
    [11, valueInfo("x", INT64, ["N", "L"])],
    [11, valueInfo("x_length", INT64, ["N"])],
    [11, valueInfo("noise_scale", FLOAT, ["one"])],
    [11, valueInfo("length_scale", FLOAT, ["one"])],
    [11, valueInfo("noise_scale_w", FLOAT, ["one"])],
    [12, valueInfo("y", FLOAT, ["N", "C", "T"])],
  );
  const metadata = {
    model_type: "vits",
    comment: "tiny",
    language: "English",
    frontend: "characters",
    add_blank: "0",
    use_eos_bos: "0",
    n_speakers: "0",
    sample_rate: String(SAMPLE_RATE_HZ),
  };
  return message(
    [1, 8],
    [7, graph],
    [8, message([2, 13])],
    ...Object.entries(metadata).map(([key, value]): Field => [14, message([1, key], [2, value])]),
  );
}

/** A voice that the real sherpa-onnx loads, without any trained weights: model.onnx and tokens.txt in that folder. */
export async function writeTinyVoice(folder: string): Promise<void> {
  await writeFile(join(folder, "model.onnx"), vitsModel());
  const tokens = [...CHARACTERS].map((character, index) => `${character} ${index + 1}`);
  await writeFile(join(folder, "tokens.txt"), `${tokens.join("\n")}\n`);
}
