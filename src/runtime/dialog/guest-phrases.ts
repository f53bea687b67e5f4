const ON =
  /^(?:please )?(?:guest mode(?: on)?(?: please)?|(?:turn|switch) on (?:the )?guest mode|(?:turn|switch|put) (?:the )?guest mode on|(?:switch to|use|start|enter) guest(?: mode)?|(?:this|here) is a guest|(?:i'm|i am) a guest|we have (?:a guest|guests|visitors))(?: please)?$/;
const OFF =
  /^(?:please )?(?:guest mode off|no guest mode|(?:turn|switch) off (?:the )?guest mode|(?:turn|switch) (?:the )?guest mode off|(?:end|stop|leave|exit) (?:the )?guest mode|(?:the )?guests? (?:is|are|has|have) (?:gone|left)|it is me again|it's me again)(?: please)?$/;

/** Whether an utterance turns guest mode on or off; null when it does neither. Only whole sentences count. */
export function guestRequestIn(utterance: string): "on" | "off" | null {
  const words = utterance
    .toLowerCase()
    .replaceAll("’", "'")
    .replaceAll(/[^a-z' ]/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  if (ON.test(words)) return "on";
  return OFF.test(words) ? "off" : null;
}
