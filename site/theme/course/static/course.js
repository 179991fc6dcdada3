// The site's own script: theme, search, copying code, regions that scroll, the mark in the contents.
// No library and no request; pages can be read without it.
(() => {
  "use strict";
  const html = document.documentElement;
  const root = html.dataset.root || "";
  const node = (tag, attributes = {}, ...children) => {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
      else e.setAttribute(name, value);
    }
    e.append(...children);
    return e;
  };
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // ---- light and dark ----

  const button = document.querySelector("[data-theme-button]");
  const say = () => {
    const other = html.dataset.theme === "dark" ? "Light theme" : "Dark theme";
    button.lastElementChild.textContent = other;
    button.title = other;
  };
  button.hidden = false;
  say();
  button.addEventListener("click", () => {
    html.dataset.theme = html.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("course:theme", html.dataset.theme); } catch { /* not kept */ }
    say();
  });

  // paper is light
  let onScreen = "";
  addEventListener("beforeprint", () => {
    onScreen = html.dataset.theme;
    html.dataset.theme = "light";
  });
  addEventListener("afterprint", () => { html.dataset.theme = onScreen; });

  // ---- the menu closes as menus do ----

  const menu = document.querySelector(".top-menu");
  addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.firstElementChild.focus();
  });
  addEventListener("click", (e) => { if (!menu.contains(e.target)) menu.open = false; });

  // ---- a link into a notebook leads to its page (cards make such links) ----

  addEventListener("click", (e) => {
    const link = e.target.closest && e.target.closest(".ck a[href], .ck-still a[href]");
    const href = link && link.getAttribute("href");
    if (href && !/^[a-z]+:/.test(href) && /\.ipynb(#|$)/.test(href))
      link.setAttribute("href", href.replace(".ipynb", ".html"));
  }, true);

  // ---- what scrolls sideways can be reached by keys ----

  const reachable = () => {
    for (const box of all("pre, .table-scroll, .math-block, .cell_output .text_html")) {
      if (box.closest(".ck")) continue;
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else if (!box.closest(".loop-code")) box.removeAttribute("tabindex");
    }
  };
  reachable();
  addEventListener("resize", reachable);
  addEventListener("load", reachable);
  addEventListener("toggle", reachable, true);

  // ---- copy code ----

  for (const box of navigator.clipboard ? all(".cell_input, article > section .highlight") : []) {
    if (box.matches(".highlight") && box.closest(".cell")) continue;
    const copy = node("button", { type: "button", class: "copy" }, "Copy");
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(box.querySelector("pre").textContent);
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    });
    box.append(copy);
  }

  // ---- where in the page: the contents at the right ----

  const marks = new Map(all(".toc a[href^='#']").map((a) => [a.getAttribute("href").slice(1), a]));
  const heads = [...marks.keys()].map((id) => id && document.getElementById(id)).filter(Boolean);
  const here = () => {
    const above = heads.filter((h) => h.getBoundingClientRect().top < 120);
    const now = above.length ? above[above.length - 1].id : "";
    for (const [id, a] of marks) a.toggleAttribute("data-here", id === now);
  };
  if (heads.length) {
    let waiting = false;
    addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; here(); });
    }, { passive: true });
    here();
  }

  // an anchor inside a folded part opens it
  const unfold = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let e = target; e; e = e.parentElement) if (e.matches("details")) e.open = true;
    const part = target && target.querySelector(":scope > details.deeper-part");
    if (part) part.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  if (location.hash) addEventListener("load", unfold);

  // ---- search: an index in one script, so that it works from a file too ----

  let index = null;
  const loaded = () => index || (index = new Promise((done, failed) => {
    document.head.append(node("script", {
      src: `${root}_static/search-index.js`, onload: () => done(window.courseIndex), onerror: failed,
    }));
  }));

  const words = (text) => text.toLowerCase().split(/[^\p{L}\p{N}@]+/u).filter(Boolean);

  // [score, entry] of each section that has all the words
  function found(entries, asked) {
    const hits = [];
    for (const entry of entries) {
      const [, page, heading, , text] = entry;
      const titles = words(heading), over = words(page), body = text.toLowerCase();
      let score = 0;
      for (const word of asked) {
        const times = body.split(word).length - 1;
        const here = (titles.some((w) => w.startsWith(word)) ? 12 : 0)
          + (over.some((w) => w.startsWith(word)) ? 4 : 0) + Math.min(times, 5);
        if (!here) { score = 0; break; }
        score += here;
      }
      if (score) hits.push([score, entry]);
    }
    return hits.sort((a, b) => b[0] - a[0]).slice(0, 30);
  }

  function snippet(text, asked) {
    const at = Math.max(0, text.toLowerCase().indexOf(asked[0]) - 60);
    const start = at ? text.indexOf(" ", at) + 1 : 0;
    const piece = text.slice(start, start + 150);
    const pattern = new RegExp(`(${asked.join("|")})`, "iu");
    const parts = piece.split(pattern).map((part, k) => (k % 2 ? node("mark", {}, part) : part));
    return [start ? "… " : "", ...parts, piece.length === 150 ? " …" : ""];
  }

  function finder(close) {
    const input = node("input", {
      type: "search", placeholder: "Search the course", "aria-label": "Search the course",
      autocomplete: "off", spellcheck: "false",
    });
    const told = node("p", { class: "find-told", role: "status" }, "Try “temperature” or “KL”.");
    const list = node("ol");
    async function look() {
      const asked = words(input.value);
      if (!asked.length) { list.replaceChildren(); told.textContent = ""; return; }
      const hits = found(await loaded(), asked);
      told.textContent = hits.length === 30 ? "30 sections or more"
        : `${hits.length} section${hits.length === 1 ? "" : "s"}`;
      list.replaceChildren(...hits.map(([, [doc, page, heading, anchor, text]]) =>
        node("li", {}, node("a", { href: `${root}${doc}.html#${anchor}` },
          node("b", {}, heading), heading === page ? "" : ` · ${page}`,
          node("small", {}, ...snippet(text, asked))))));
    }
    input.addEventListener("input", look);
    const top = node("div", { class: "find-top" }, input);
    if (close) top.append(node("button", { type: "button", onclick: close }, "Close"));
    const box = node("div", { class: "find" }, top, told, list);
    box.addEventListener("keydown", (e) => {
      if (e.key === "Escape" && close) { e.preventDefault(); close(); } // not: empty the field
      const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
      if (!step) return;
      e.preventDefault();
      const links = [input, ...all("li a", list)];
      const next = links[links.indexOf(document.activeElement) + step];
      if (next) next.focus();
    });
    return { box, input };
  }

  const dialog = document.querySelector("dialog.search");
  const inDialog = finder(() => dialog.close());
  dialog.firstElementChild.append(inDialog.box);
  const open = () => { dialog.showModal(); inDialog.input.select(); loaded(); };
  document.querySelector("[data-search-open]").addEventListener("click", (e) => {
    e.preventDefault();
    open();
  });
  dialog.addEventListener("click", (e) => {
    if (e.target === dialog || e.target.closest("li a")) dialog.close();
  });
  addEventListener("keydown", (e) => {
    const typing = e.target.closest && e.target.closest("input, textarea, [contenteditable], .ck");
    if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey) { e.preventDefault(); open(); }
  });
  const place = document.querySelector("[data-search-here]");
  if (place) {
    const inPage = finder();
    place.append(inPage.box);
    inPage.input.focus();
  }
})();
