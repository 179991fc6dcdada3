// Over-optimisation: move n, and the score of the chooser climbs while gold turns down.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds["over-optimisation"]) return;
  const { node, svg, text, number, signed } = kit;

  kit.kinds["over-optimisation"] = (box, data) => {
    const now = { ...data.start, against: 0 }; // positions: by, n, prompt; against: n or √KL
    const { sizes, gold } = data;
    const curve = () => data.curves[now.by];
    const by = () => data.names[now.by];
    const deviations = (v) => `${number(v, 1)} standard deviations`;
    const peak = () => curve().gold.reduce(
      (best, p, k, all) => (p.mean > all[best].mean ? k : best), 0);

    // the change that holds at position k: [from, candidate, text, score, gold]
    const chosenAt = (k) => data.chosen[now.by][now.prompt].findLast((change) => change[0] <= k);

    function sentence() {
      const n = sizes[now.n], top = peak(), c = curve();
      const lost = c.gold[top].mean - c.gold[now.n].mean;
      const from = now.n === top ? "its highest"
        : `${number(lost)} below its highest, at n = ${sizes[top]}`;
      return `Best of ${n} by ${by()}, over all ${data.all} prompts: ` +
        `its own score is ${number(c.own[now.n])}, ` +
        `${deviations(c.rise[now.n].mean)} above its average. ` +
        `Its mean ${gold} is ${number(c.gold[now.n].mean)}, ${from}.`;
    }

    // ---- the curves ----

    const range = (name) => {
      const points = data.curves.flatMap((c) => c[name]);
      const low = Math.min(...points.map((p) => p.low));
      const high = Math.max(...points.map((p) => p.high));
      const room = (high - low) * 0.06;
      return { from: low - room, to: high + room };
    };
    const ranges = { rise: range("rise"), gold: range("gold") };
    const xs = () => (now.against ? data.d : sizes);

    function across(last) {
      const powers = sizes.filter((n) => Math.log2(n) % 1 === 0);
      if (now.against)
        return { from: 0, to: data.d.at(-1),
          label: last && "√KL to the sampling policy, by its bound (√nats)" };
      return { from: sizes[0], to: sizes.at(-1), scale: "log2",
        label: last && "n, candidates a prompt", ticks: powers.map((n) => [n, n]) };
    }

    const line = (g, at, points, upto, attributes) => g.append(svg("path", {
      d: kit.path(xs().slice(0, upto + 1).map((v, k) => [at.x(v), at.y(points[k].mean)])),
      class: "ck-line", ...attributes,
    }));

    function fitted(g, at) {
      const [alpha, beta] = curve().fit, start = curve().gold[0].mean, end = data.d.at(-1);
      const points = Array.from({ length: 61 }, (_, k) => (end * k) / 60)
        .map((d) => [at.x(d), at.y(start + d * (alpha - beta * d))]);
      g.append(svg("path", { d: kit.path(points), class: "ck-line ck-over-fit" }));
    }

    function note() {
      const [alpha, beta, top] = curve().fit;
      const inside = top > 0 && top <= data.d.at(-1);
      const fit = `Dashed: the fit d(α − βd) of the gain, α = ${number(alpha)}, ` +
        `β = ${number(beta)}, d = √KL; ` +
        (inside ? `it peaks at d = ${number(top)}. ` : "it has no peak here. ");
      const others = data.names.length > 1 ? "Grey: the other reward models. " : "";
      return `${now.against ? fit : ""}${others}Band: 95 % over prompts.`;
    }

    // one panel: all reward models faint, the chosen one up to n in colour
    function panel(g, area, name, colour, label, last) {
      const at = kit.axes(g, area, across(last), { ...ranges[name], zero: true, label });
      data.curves.forEach((c, k) =>
        k !== now.by && line(g, at, c[name], sizes.length, { class: "ck-line ck-over-other" }));
      const points = curve()[name], x = at.x(xs()[now.n]), y = at.y(points[now.n].mean);
      g.append(svg("line", { x1: x, x2: x, y1: area.top, y2: at.bottom, class: "ck-over-now" }));
      kit.curve(g, at, xs(), points, colour, { opacity: 0.35 });
      line(g, at, points, now.n, { stroke: kit.hue(colour), "stroke-width": 3 });
      kit.dot(g, x, y, colour, 6);
      const left = x > area.left + area.width * 0.75;
      text(g, x + (left ? -11 : 11), y + 20, number(points[now.n].mean), {
        "text-anchor": left ? "end" : "start", class: "ck-label ck-halo" });
      return at;
    }

    function marked(g, area, at) {
      const top = peak(), x = at.x(xs()[top]), y = at.y(curve().gold[top].mean);
      g.append(svg("path", { d: `M${x - 6} ${y - 16}h12l-6 9z`, fill: "var(--ck-ink)" }));
      const right = x > area.left + area.width * 0.6;
      text(g, right ? x + 8 : x - 8, y - 20, `highest at n = ${sizes[top]}`, {
        "text-anchor": right ? "end" : "start", class: "ck-halo" });
    }

    function draw(g, width) {
      const area = { left: 40, top: 28, width: width - 56, height: 142 };
      const below = { ...area, top: area.top + area.height + 58 };
      panel(g, area, "rise", "c1", "its own score (standard deviations)", false);
      const at = panel(g, below, "gold", "c0", `${gold} of the reply it chooses`, true);
      if (now.against) fitted(g, at);
      marked(g, below, at);
      return { height: below.top + below.height + 42, label: sentence() };
    }

    // ---- one prompt ----

    const bubble = (change) => kit.reply(data.texts[now.prompt][change[2]] || "(empty)", {
      chosen: true, score: `${by()} ${number(change[3])}`,
      note: `${gold} ${signed(change[4])} · candidate ${change[1] + 1} of ${sizes[now.n]}`,
    });

    function drawOne(g, width) {
      const changes = data.chosen[now.by][now.prompt], best = data.highest[now.prompt];
      const all = data.chosen.flatMap((c) => c[now.prompt].map((change) => change[4]));
      const low = Math.min(...all, 0), high = Math.max(...best, 0);
      const at = kit.axes(g, { left: 34, top: 26, width: width - 48, height: 74 },
        { from: sizes[0], to: sizes.at(-1), scale: "log2", ticks: [] },
        { from: low - 0.3, to: high + 0.3, zero: true, ticks: kit.ticks(low, high, 3),
          label: `${gold} at this prompt` });
      const steps = (values) => kit.path(values.flatMap((v, k) =>
        [values[k - 1] ?? v, v].map((each) => [at.x(sizes[k]), at.y(each)])));
      const chosen = sizes.map((_, k) => changes.findLast((change) => change[0] <= k)[4]);
      g.append(svg("path", { d: steps(best), class: "ck-line ck-over-best" }));
      g.append(svg("path", { d: steps(chosen), class: "ck-line", stroke: kit.hue("c0") }));
      kit.dot(g, at.x(sizes[now.n]), at.y(chosen[now.n]), "c0", 6);
      text(g, at.x(sizes[0]), at.bottom + 16, "n = 1");
      text(g, at.right, at.bottom + 16, `n = ${sizes.at(-1)}`, { "text-anchor": "end" });
      return { height: 126, label: `${gold} of the reply chosen here: ${number(chosen[0])} at ` +
        `n = 1, ${number(chosen[now.n])} at n = ${sizes[now.n]}; ` +
        `the best there was has ${number(best[now.n])}.` };
    }

    // ---- together ----

    const curves = kit.figure(draw), one = kit.figure(drawOne, { narrowest: 220 });
    const live = kit.announcer(), words = node("p", { class: "ck-over-words" });
    const said = node("p", { class: "ck-note" });
    const ask = node("p", { class: "ck-ask" }), shown = node("div", {});

    function redraw() {
      const change = chosenAt(now.n);
      words.textContent = sentence();
      said.textContent = note();
      ask.textContent = data.prompts[now.prompt];
      const longest = data.chosen[now.by][now.prompt].reduce((a, b) =>
        (JSON.stringify(data.texts[now.prompt][b[2]]).length >
          JSON.stringify(data.texts[now.prompt][a[2]]).length ? b : a));
      shown.replaceChildren(kit.steady(bubble(change), bubble(longest)));
      curves.redraw();
      one.redraw();
      live.say(`${sentence()} Here the chosen reply has ${gold} ${number(change[4])}.`);
    }

    const set = (name) => (k) => { now[name] = k; redraw(); };
    const controls = [
      data.names.length > 1 && kit.choice({
        label: "chosen by", options: data.names, at: now.by, on: set("by") }),
      kit.slider({ label: "n", values: sizes, at: now.n, on: set("n"),
        told: (n) => `${n} candidate${n > 1 ? "s" : ""}` }),
      kit.slider({ label: "prompt", values: data.prompts.map((_, k) => k), at: now.prompt,
        on: set("prompt"), told: (k) => `${k + 1} of ${data.prompts.length}` }),
      kit.choice({ label: "against", options: ["n", "√KL, with the fit"], at: 0,
        on: set("against") }),
    ].filter(Boolean);
    const coloured = typeof data.texts[0][0] !== "string";
    box.append(...[...controls.map((c) => c.box), words,
      node("div", { class: "ck-panes" },
        node("div", { class: "ck-over-curves" }, curves.box,
          said),
        node("div", { class: "ck-over-one" }, ask, shown, one.box,
          node("p", { class: "ck-note" }, "Line: the reply chosen. Dashed: the best there was."))),
      coloured && kit.legend(), live.box].filter(Boolean));
    redraw();
  };
})();
