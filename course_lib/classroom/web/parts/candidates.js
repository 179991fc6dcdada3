// Candidates of a pool, a page at a time: choose a prompt, an order and a page.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.candidates) return;
  const { node, number } = kit;
  const ENDED = ["ended by itself", "cut at the limit"]; // the third is "missing"
  const MISSING = 2;
  const signOf = (verdict) =>
    /^(right|correct)$/.test(verdict) ? ["ck-right", "✓ "]
      : /^wrong/.test(verdict) ? ["ck-wrong", "✗ "] : ["", ""];

  kit.kinds.candidates = (box, data) => {
    const now = { prompt: 0, by: 0, low: 0, page: 0 };
    const names = Object.keys(data.rewards);
    const by = () => (now.by ? names[now.by - 1] : null);
    const shown = kit.roomy(node("div", { class: "ck-pages" }));
    const ask = node("p", { class: "ck-ask" });
    const live = kit.announcer();

    // positions in order, ties by position; missing candidates are left out
    function ranking() {
      const here = [...data.places[now.prompt].keys()]
        .filter((j) => data.finish[now.prompt][j] !== MISSING);
      if (!by()) return here;
      const row = data.rewards[by()][now.prompt], sign = now.low ? 1 : -1;
      return here.sort((a, b) => sign * (row[a] - row[b]) || a - b);
    }

    const pages = () => Math.max(1, Math.ceil(ranking().length / data.page));

    function bubble(j) {
      const i = now.prompt;
      const verdict = data.verdicts && data.words[data.verdicts[i][j]];
      const [look, sign] = signOf(verdict);
      const made = kit.reply(data.said[data.places[i][j]], {
        note: `#${j} · ${ENDED[data.finish[i][j]]} · ${data.lengths[i][j]} tokens` });
      made.lastChild.prepend(
        ...(verdict ? [node("span", { class: `ck-chip ${look}` }, sign + verdict)] : []),
        ...names.map((name) => node("span", {
          class: name === by() ? "ck-chip ck-sorted" : "ck-chip",
        }, `${name} ${number(data.rewards[name][i][j])}`)));
      return made;
    }

    function redraw() {
      const order = ranking(), from = now.page * data.page;
      const here = order.slice(from, from + data.page);
      ask.textContent = data.prompts[now.prompt];
      shown.replaceChildren(...here.map(bubble));
      direction.box.disabled = !by();
      live.say(`${data.prompts[now.prompt]} Candidates ${from + 1} to ${from + here.length} ` +
        `of ${order.length}, ${by() ? `${by()}, ${now.low ? "lowest" : "highest"} first` :
          "as sampled"}.`);
    }

    const first = () => { now.page = 0; page.set(0); redraw(); };
    const most = Math.max(...data.places.map((row) => Math.ceil(row.length / data.page)));
    const prompt = kit.slider({ label: "prompt", values: data.prompts.map((_, k) => k),
      told: (k) => `${k + 1} of ${data.prompts.length}`,
      hint: data.prompts.length < data.count &&
        `The first ${data.prompts.length} of ${data.count} prompts.`,
      on: (k) => { now.prompt = k; first(); } });
    const order = kit.choice({ label: "order by", options: ["as sampled", ...names],
      on: (k) => { now.by = k; first(); } });
    const direction = kit.choice({ label: "direction", options: ["highest first", "lowest first"],
      on: (k) => { now.low = k; first(); } });
    const page = kit.slider({ label: "page", values: [...Array(most).keys()],
      told: (k) => `${Math.min(k + 1, pages())} of ${pages()}`,
      on: (k) => {
        now.page = Math.min(k, pages() - 1);
        if (now.page !== k) page.set(now.page);
        redraw();
      } });

    box.append(prompt.box, order.box);
    if (names.length) box.append(direction.box);
    if (most > 1) box.append(page.box);
    box.append(ask);
    if (data.marked) box.append(kit.legend());
    box.append(shown, live.box);
    redraw();
  };
})();
