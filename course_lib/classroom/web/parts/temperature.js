// Temperature and n: some replies, how alike they are, and gold of the best of n.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.temperature) return;
  const { node, svg, text, number } = kit;
  const OTHERS = 3;

  kit.kinds.temperature = (box, data) => {
    const now = { ...data.start, by: 0, prompt: 0 };
    const name = () => data.names[now.by], n = () => data.sizes[now.n];
    const heat = (k) => String(data.temperatures[k]);
    const curveOf = (k) => data.curves[name()][k];

    // the texts among the first n with how often each is said, the chosen one first
    function said() {
      const prompt = data.prompts[now.prompt], at = prompt.at[now.at];
      const times = {};
      for (const k of at.number.slice(0, n())) times[k] = (times[k] || 0) + 1;
      const chosen = at.number[at.best[now.by][now.n]];
      const others = Object.keys(times).map(Number).filter((k) => k !== chosen)
        .sort((a, b) => a - b).slice(0, OTHERS);
      const shown = [chosen, ...others].filter((k) => k in at.said).map((k) => ({
        times: times[k], said: prompt.said[at.said[k]], gold: prompt.gold[at.said[k]],
        chosen: k === chosen,
      }));
      return { shown, different: Object.keys(times).length };
    }

    const best = () => data.level[name()][now.n];
    function verdict() {
      const [top, ...near] = best();
      const close = near.map(heat).join(" and ");
      return `For n = ${n()} the best temperature of these is ${heat(top)}` +
        (near.length ? `; ${close} cannot be told from it.` : ", clearly.");
    }
    const words = () => `T = ${heat(now.at)}, n = ${n()}: ${data.gold_name} of the best by ` +
      `${name()} is ${number(curveOf(now.n)[now.at].mean)} on average. ${verdict()}`;

    // ---- the curves ----

    const every = Object.values(data.curves).flat(2);
    const low = Math.min(...every.map((p) => p.low)), high = Math.max(...every.map((p) => p.high));
    const room = (high - low) * 0.06 || 1;
    const T = data.temperatures;
    const x = { from: T[0] - 0.03, to: T.at(-1) + 0.03, ticks: T.map((v) => [v, v]) };

    function golds(g, area) {
      const at = kit.axes(g, area, x, { from: low - room, to: high + room, zero: true,
        label: `${data.gold_name} of the best of n by ${name()}` });
      g.append(svg("line", { x1: at.x(T[now.at]), x2: at.x(T[now.at]), y1: area.top,
        y2: at.bottom, class: "ck-zero" }));
      const lines = data.sizes.map((_, k) => k).filter((k) => k % 2 === 0 || k === now.n);
      const ends = [];
      for (const k of lines) {
        const points = curveOf(k), mine = k === now.n;
        const top = data.level[name()][k][0];
        if (mine) kit.curve(g, at, T, points, "c0");
        else g.append(svg("path", { d: kit.path(T.map((v, t) => [at.x(v), at.y(points[t].mean)])),
          class: "ck-line", stroke: kit.hue("c6"), opacity: 0.6, "stroke-dasharray": "5 4" }));
        if (!mine) kit.dot(g, at.x(T[top]), at.y(points[top].mean), "c6", 3.5, { opacity: 0.8 });
        ends.push({ y: at.y(points.at(-1).mean) + 4, words: `n = ${data.sizes[k]}`, mine });
      }
      for (const e of kit.apart(ends, at.bottom - 2))
        text(g, at.right + 6, e.y, e.words, { class: e.mine ? "ck-label" : "" });
      const [top] = best();
      kit.dot(g, at.x(T[now.at]), at.y(curveOf(now.n)[now.at].mean), "c0", 5.5);
      kit.ring(g, at.x(T[top]), at.y(curveOf(now.n)[top].mean), "c1", 9);
    }

    function shares(g, area) {
      const at = kit.axes(g, area, { ...x, label: "temperature" }, { from: 0, to: 1,
        ticks: [[0, "0"], [0.5, "½"], [1, "1"]], label: `share of different texts among ${n()}` });
      const row = data.alike[now.n];
      g.append(svg("path", { d: kit.path(T.map((v, t) => [at.x(v), at.y(row[t])])),
        class: "ck-line", stroke: kit.hue("c2") }));
      kit.dot(g, at.x(T[now.at]), at.y(row[now.at]), "c2", 5.5);
    }

    const picture = kit.figure((g, width) => {
      const side = { left: 30, width: width - 88 };
      golds(g, { ...side, top: 28, height: 190 });
      shares(g, { ...side, top: 278, height: 60 });
      return { height: 380, label: words() };
    }, { widest: 460 });

    // ---- the card ----

    const list = kit.roomy(node("div", {})), line = node("p", {}), live = kit.announcer();
    const ring = node("p", { class: "ck-hint" }, "Orange ring: the best temperature for this n. " +
      `Small dots: the same for other n. Curves are means over all ${data.count} prompts, the ` +
      "band is the 95 % interval.");

    function redraw() {
      const { shown, different } = said();
      const how = n() === 1 ? "One reply." : different === 1
        ? `All ${n()} replies are the same text.` : `${different} different texts among ${n()}.`;
      const copies = (k) => (n() === 1 ? "" : k === 1 ? "said once" : `said ${k} times`);
      list.replaceChildren(
        node("p", { class: "ck-ask" }, data.prompts[now.prompt].ask),
        node("p", {}, how),
        ...shown.map((s) => kit.reply(s.said, { chosen: s.chosen,
          score: `${data.gold_name} ${number(s.gold)}`,
          note: [s.chosen && `chosen by ${name()}`, copies(s.times)].filter(Boolean).join(" · "),
        })),
        different > shown.length && node("p", { class: "ck-hint" },
          `and ${different - shown.length} more`) || "");
      line.textContent = verdict();
      picture.redraw();
      live.say(`${words()} ${how}`);
    }

    const set = (key) => (k) => { now[key] = k; redraw(); };
    const controls = [
      kit.slider({ label: "temperature", values: T.map(String), at: now.at, on: set("at") }),
      kit.slider({ label: "n", values: data.sizes, at: now.n, on: set("n"),
        told: (v) => `${v} ${v === 1 ? "candidate" : "candidates"}` }),
      data.names.length > 1 &&
        kit.choice({ label: "chosen by", options: data.names, on: set("by") }),
      data.prompts.length > 1 && kit.slider({ label: "prompt", on: set("prompt"),
        values: data.prompts.map((_, k) => k), told: (k) => `${k + 1} of ${data.prompts.length}` }),
    ].filter(Boolean);
    box.append(...controls.map((c) => c.box), line,
      node("div", { class: "ck-warm" }, node("div", {}, picture.box, ring), list));
    if (data.marked) box.append(kit.legend());
    box.append(live.box);
    redraw();
  };
})();
