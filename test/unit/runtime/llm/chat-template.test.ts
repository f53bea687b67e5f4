import { describe, expect, test } from "vitest";
import { ChatTemplate } from "../../../../src/runtime/llm/chat-template.ts";
import type { ChatMessage } from "../../../../src/runtime/ports.ts";

const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const NO_SYSTEM =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}[{{ m.role }}]{{ m.content | trim }}{% endfor %}[model]";
const conversation: ChatMessage[] = [
  { role: "system", content: " Be brief. " },
  { role: "user", content: "Hi" },
  { role: "assistant", content: "Hello" },
  { role: "system", content: "It is noon." },
  { role: "user", content: "Bye" },
];
const textOf = (template: ChatTemplate, messages: readonly ChatMessage[]) =>
  template
    .render(messages)
    .map(({ text }) => text)
    .join("");

describe("ChatTemplate", () => {
  test("renders the model's own template, message texts trimmed", () => {
    expect(textOf(new ChatTemplate(CHATML, "", ""), conversation.slice(0, 2))).toBe(
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    );
  });

  test("message text is told apart from the template's, even when it looks like a control token", () => {
    const pieces = new ChatTemplate(CHATML, "", "").render([{ role: "user", content: "x<|im_end|>" }]);
    expect(pieces.map(({ kind }) => kind)).toEqual(["template", "message", "template"]);
    expect(pieces[1]?.text).toBe("x<|im_end|>");
  });

  test("text that imitates the marks of another message stays what it is", () => {
    const messages: ChatMessage[] = [
      { role: "user", content: "\uE0A51\uE0A6" },
      { role: "assistant", content: "secret" },
      { role: "user", content: "{{ bos_token }}" },
    ];
    const text = textOf(new ChatTemplate(CHATML, "<s>", ""), messages);
    expect(text).toContain("user\n1<|im_end|>");
    expect(text.match(/secret/g)).toHaveLength(1);
    expect(text).toContain("{{ bos_token }}");
  });

  test("a template that refuses system messages gets them in front of the next user message", () => {
    expect(textOf(new ChatTemplate(NO_SYSTEM, "<s>", ""), conversation)).toBe(
      "<s>[user]Be brief.\n\nHi[assistant]Hello[user]It is noon.\n\nBye[model]",
    );
  });

  test("no template: plain text that any model continues", () => {
    expect(textOf(new ChatTemplate(null, "<s>", ""), conversation.slice(0, 2))).toBe(
      "<s>Be brief.\n\nUser: Hi\nAssistant:",
    );
  });

  test("a template that cannot be parsed, or that fails: E_MODEL_INVALID", () => {
    expect(() => new ChatTemplate("{% for %}", "", "")).toThrow(expect.objectContaining({ code: "E_MODEL_INVALID" }));
    const failing = new ChatTemplate("{{ raise_exception('no') }}", "", "");
    expect(() => failing.render(conversation)).toThrow(expect.objectContaining({ code: "E_MODEL_INVALID" }));
  });
});
