// What htmx leaves to us: words when something fails, dialogs, the theme, a box for all, and keys for search.
"use strict";

const toasts = () => document.getElementById("toasts");

function say(sentence) {
  const toast = document.createElement("div");
  toast.className = "toast tone-bad";
  toast.setAttribute("role", "alert");
  const text = document.createElement("p");
  text.textContent = sentence;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "ghost";
  close.dataset.dismiss = "";
  close.textContent = "×";
  close.setAttribute("aria-label", "Dismiss");
  toast.append(text, close);
  toasts()?.append(toast);
}

// A refusal says why in its own page: [data-sentence] of 403.html and the others.
document.addEventListener("htmx:responseError", ({ detail }) => {
  const page = new DOMParser().parseFromString(detail.xhr.responseText, "text/html");
  const said = page.querySelector("[data-sentence]")?.textContent.trim();
  say(said || "That did not work. Nothing was changed here; try again in a moment.");
});
document.addEventListener("htmx:sendError", () => say("The dashboard cannot be reached. Try again."));
document.addEventListener("htmx:timeout", () => say("The answer took too long. Try again."));

// Whatever lands in a <dialog> is shown in it; focus goes back where it was.
let opener = null;
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const dialog = detail.target;
  if (dialog.tagName !== "DIALOG" || dialog.open) return;
  opener = document.activeElement;
  dialog.showModal();
  dialog.querySelector("[autofocus], [data-least]")?.focus();
});
document.addEventListener("close", ({ target }) => {
  if (target.tagName !== "DIALOG") return;
  target.replaceChildren();
  opener?.focus();
}, true);

// What had the focus is often renewed: the focus goes to what says the same in its place.
let held = null;
const words = (one) => one.value || one.textContent.trim();
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const one = document.activeElement;
  held = detail.target.contains(one) && !one.id ? { tag: one.tagName, words: words(one) } : null;
});
document.addEventListener("htmx:afterSwap", () => {
  if (!held || document.activeElement !== document.body) return;
  const same = [...document.querySelectorAll(`main ${held.tag}`)].find((one) => words(one) === held.words);
  (same || document.getElementById("main")).focus();
  held = null;
});

document.addEventListener("click", ({ target }) => {
  target.closest("[data-dismiss]")?.closest(".toast")?.remove();
  target.closest("[data-close]")?.closest("dialog")?.close();
  const theme = target.closest("[data-theme-choice]");
  if (!theme) return;
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  for (const one of theme.parentElement.querySelectorAll("[data-theme-choice]"))
    one.setAttribute("aria-pressed", String(one === theme));
});

// One box for all those that are shown with it.
document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-all]")) return;
  for (const box of target.closest(".card").querySelectorAll("tbody [type=checkbox]"))
    box.checked = target.checked;
});

// The palette: Ctrl-K, or "/" where nobody turned that off; within it, arrows and Enter.
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  const box = document.getElementById("palette-q");
  const held = event.ctrlKey || event.metaKey;
  const typing = target.closest("input, textarea, select, dialog, [contenteditable]");
  const slash = key === "/" && !held && !typing && "slash" in document.body.dataset;
  const rows = box ? [box, ...document.querySelectorAll("#found a")] : [];
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (!event.altKey && (slash || (held && key === "k"))) {
    if (box) box.focus();
    else document.querySelector("[data-palette]")?.click();
  } else if (step && rows.includes(target)) rows.at((rows.indexOf(target) + step) % rows.length).focus();
  // What is shown may still be of what was typed before: then the server says where to go.
  else if (key === "Enter" && target === box && rows[1] && document.getElementById("found").dataset.of === box.value.trim()) rows[1].click();
  else return;
  event.preventDefault();
});
