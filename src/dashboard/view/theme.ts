import { h, icon, setAttribute } from "./dom.ts";

const STORED = "asls.theme";
const SYSTEM = matchMedia("(prefers-color-scheme: dark)");

/** Light or dark: what the system says until the button is used, then what was chosen. */
export function themeButton(): HTMLButtonElement {
  const button = h("button", { type: "button", class: "button icon-button" }, icon("theme"));
  const apply = () => {
    const chosen = localStorage.getItem(STORED);
    const isDark = chosen === null ? SYSTEM.matches : chosen === "dark";
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    setAttribute(button, "aria-label", isDark ? "Switch to light colours" : "Switch to dark colours");
    document.dispatchEvent(new Event("themechange"));
  };
  button.addEventListener("click", () => {
    localStorage.setItem(STORED, document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    apply();
  });
  SYSTEM.addEventListener("change", apply);
  apply();
  return button;
}
