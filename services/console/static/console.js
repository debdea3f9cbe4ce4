// Keys, focus, charts and copying: what a page has beyond its links and forms. Nothing is stored, nothing is evaluated.
(() => {
  "use strict";
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Where a page was left by a link that is gone, the focus would be nowhere: it goes to what has come.
  const settle = () => {
    if (document.activeElement === null || document.activeElement === document.body) {
      (find("[autofocus]") || find("#main"))?.focus({ preventScroll: true });
    }
  };

  const types = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

  const rows = () => all("main .list tbody tr").map((row) => find("a", row)).filter(Boolean);

  const step = (by) => {
    const links = rows();
    const row = document.activeElement.closest("tr");
    const here = links.findIndex((link) => link.closest("tr") === row);
    const next = links[here < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + by, 0), links.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };

  const pick = () => document.activeElement.closest("tr")?.querySelector("[name=picked]")?.click();

  const toFind = () => {
    find("#q")?.focus();
    find("#q")?.select();
  };

  const toKeys = () => {
    const keys = find("#keys");
    keys.open = !keys.open;
    find("summary", keys).focus();
  };

  const letters = { j: () => step(1), k: () => step(-1), n: () => find("main .pager .next")?.click(), x: pick, "/": toFind, "?": toKeys };
  let goes = false;

  // A letter is a key only where it types nothing, no other key is held, and the reader has not switched letters off.
  const onLetter = (event) => {
    if (!find("#top").hasAttribute("data-letters") || event.altKey || types(event.target)) return;
    if (goes) {
      goes = false;
      const to = all("#nav [data-letter]").find((link) => link.dataset.letter === event.key);
      if (to) {
        event.preventDefault();
        to.click();
      }
    } else if (event.key === "g") {
      goes = true;
    } else if (Object.hasOwn(letters, event.key)) {
      event.preventDefault();
      letters[event.key]();
    }
  };

  const onArrow = (event) => {
    const view = event.target.closest(".view");
    const by = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (view === null || by === undefined) return false;
    event.preventDefault();
    const marks = all(".mark", view);
    const here = marks.findIndex((mark) => mark.classList.contains("on"));
    const next = Math.min(Math.max(here < 0 && by > 0 ? (by === 1 ? 0 : marks.length - 1) : here + by, 0), marks.length - 1);
    marks.forEach((mark, index) => mark.classList.toggle("on", index === next));
    find(".reached", view.parentElement).textContent = marks[next]?.dataset.label ?? "";
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      toFind();
    } else if (!event.metaKey && !event.ctrlKey && !onArrow(event)) {
      onLetter(event);
    }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button === null) return;
    const text = find(`#${CSS.escape(button.dataset.copy)}`).textContent;
    navigator.clipboard.writeText(text).then(
      () => (find("#said").textContent = "Copied."),
      () => (find("#said").textContent = "The browser did not let it be copied: select the text and copy it."),
    );
  });

  document.addEventListener("htmx:afterSettle", settle);
  document.addEventListener("htmx:sendError", () => (find("#said").textContent = "The console does not answer; what you typed is still here."));
  // Which zone is "mine" only the browser knows; of its name every character may stand in a cookie.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.cookie = `zone=${zone}; path=/; SameSite=Lax`;
  document.documentElement.classList.add("scripted");
  settle();
})();
