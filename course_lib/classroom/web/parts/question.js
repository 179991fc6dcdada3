// What every question has: its panel, two tries before the answer, a verdict, and where it is kept.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.question) return;
  const { node } = kit;
  const bare = (why) => {
    const rest = why.replace(/^Right[.:] */, "");
    return rest.charAt(0).toUpperCase() + rest.slice(1);
  };

  // The verdict is announced; what is folded below it is not.
  function openShell(head, controls) {
    const verdict = node("div", { role: "status", class: "ckq-verdict" });
    const more = node("div", {});
    const saved = node("p", { class: "ckq-saved", role: "status" });
    const box = node("section", { class: "ckq-item", "aria-label": head },
      node("p", { class: "ckq-head" }, head), controls, verdict, more, saved);
    // fine: true, false, or null for what is no verdict
    const say = (fine, headline, text, ...rest) => {
      const mark = fine === null ? "" : fine ? "✓ " : "✗ ";
      verdict.className = `ckq-verdict${fine === null ? "" : fine ? " ckq-good" : " ckq-bad"}`;
      verdict.replaceChildren(node("p", {}, node("b", {}, mark + headline), " ", text));
      more.replaceChildren(...rest);
    };
    const clear = () => {
      verdict.className = "ckq-verdict";
      verdict.replaceChildren();
      more.replaceChildren();
      saved.textContent = "";
    };
    return { box, say, clear, note: (text) => { saved.textContent = text; } };
  }

  const rows = (tag, pairs) =>
    node(tag, {}, pairs.map(([text, why]) => node("li", {}, node("b", {}, text), " ", why)));
  const folded = (title, inner, open = false) =>
    node("details", { open }, node("summary", {}, title), inner);
  // Not a form: a frame in a sandbox may run scripts and yet forbid to send forms.
  const withCheck = (check, inside) => {
    const enter = (e) => {
      if (e.key !== "Enter" || !e.target.matches("input")) return;
      e.preventDefault();
      check();
    };
    return node("div", { onkeydown: enter }, inside,
      kit.button("Check", check, { class: "ck-button ck-main" }));
  };

  // Rounds of two tries. judge() gives {answer, share, fine}, or a complaint as text; show(found,
  // attempt, over) says it. An answer changed after the end begins a new round.
  function rounds(item, book, { shell, judge, show }) {
    const { rules } = book;
    const entry = book.of(item);
    const at = entry && !rules.due(entry) ? rules.last(entry) : null;
    let tries = 0, over = false;
    if (at) {
      tries = at.try || (rules.enough(at.score) ? 1 : 2);
      over = rules.waits(entry);
    }
    return {
      past: at && { answer: at.answer, tries, over },
      check() {
        if (over) return;
        const found = judge();
        if (typeof found === "string") { shell.say(null, found, ""); return; }
        tries += 1;
        over = found.fine || tries === 2;
        show(found, tries, over);
        book.keep(item, found.answer, found.share, { try: tries }, shell.note);
      },
      changed() { // true at the beginning of a new round
        shell.clear();
        if (!over) return false;
        tries = 0;
        over = false;
        return true;
      },
    };
  }

  kit.question = { openShell, rounds, rows, folded, withCheck, bare };
})();
