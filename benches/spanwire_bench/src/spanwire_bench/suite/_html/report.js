// Niceties only: the page is complete without it.
"use strict";
(() => {
  const root = document.documentElement;
  const tools = document.querySelector(".tools");
  const [scale, tables, theme] = ["scale", "tables", "theme"].map((id) => document.getElementById(id));
  const details = [...document.querySelectorAll("details")];
  const system = matchMedia("(prefers-color-scheme: dark)");

  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const name = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  system.addEventListener("change", name);
  name();

  scale.hidden = !document.querySelector(".two-scales");
  scale.addEventListener("click", () => {
    const linear = root.dataset.scale !== "linear";
    root.dataset.scale = linear ? "linear" : "usual";
    scale.setAttribute("aria-pressed", String(linear));
  });

  tables.hidden = details.length === 0;
  tables.addEventListener("click", () => {
    const open = tables.getAttribute("aria-pressed") !== "true";
    for (const one of details) one.open = open;
    tables.setAttribute("aria-pressed", String(open));
  });

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = details.filter((one) => !one.open);
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });

  tools.hidden = false;
})();
