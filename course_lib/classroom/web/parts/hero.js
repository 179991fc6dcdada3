// The hero: replies to one question fall into a ranked stack while n grows; the best is chosen.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.hero) return;
  const { node, svg, text, number } = kit;
  const HEIGHT = 210; // of the stack
  const LEGIBLE = 22; // pixels that a row needs to be shown as text

  // columns of the stack: few replies as rows of text, many as small bars, in reading order
  const columnsOf = (n) => (n <= 16 ? 1 : n <= 32 ? 2 : n <= 128 ? 4 : 8);

  // one row a reply, made once a question; place(order) moves them
  function heap() {
    const box = node("div", { class: "ck-heap", "aria-hidden": "true" });
    let rows = [], wide = 0, again = () => {};

    function fill(question, kinds) {
      const words = question.shapes.map((s) => s.reduce((sum, v, k) => sum + (k % 2 ? v : 0), 0));
      const most = Math.max(...words);
      rows = question.shapes.map((shape, j) => {
        const bars = node("div", { class: "ck-bars", style: `width:${(100 * words[j]) / most}%` });
        for (let k = 0; k < shape.length; k += 2)
          bars.append(node("i", { class: `ck-${kinds[shape[k]]}`, style: `flex:${shape[k + 1]}` }));
        const said = question.texts[j];
        return node("div", { class: "ck-out" }, bars, said && node("div", { class: "ck-said" },
          said.flatMap(([s, kind]) => [node("span", { class: `ck-part ck-${kind}` }, s), " "])));
      });
      box.classList.add("ck-at-rest"); // new rows do not fly in from nowhere
      box.replaceChildren(...rows);
    }

    function place(order) {
      again = () => place(order);
      const n = order.length, columns = columnsOf(n);
      const tall = Math.min(26, HEIGHT / Math.ceil(n / columns));
      wide = box.clientWidth - 6;
      const across = wide / columns;
      const entering = rows.filter((row, j) => j < n && row.classList.contains("ck-out")).length;
      order.forEach((j, rank) => {
        const row = rows[j], x = (rank % columns) * across;
        const late = row.classList.contains("ck-out") ? (j - n + entering) / entering : 0;
        row.style.cssText = `width:${across}px;height:${tall}px;transition-delay:${late * 250}ms;` +
          `transform:translate(${x}px,${Math.floor(rank / columns) * tall}px)`;
        row.className = `${rank ? "" : "ck-first"} ${
          tall >= LEGIBLE && row.children.length > 1 ? "ck-read" : ""}`;
      });
      for (let j = n; j < rows.length; j++) {
        rows[j].className = "ck-out";
        rows[j].style.cssText = `width:${across}px;height:${tall}px;` +
          `transform:translate(${(j % columns) * across}px,-30px)`;
      }
      if (box.classList.contains("ck-at-rest")) {
        box.getBoundingClientRect(); // settle before movement begins
        box.classList.remove("ck-at-rest");
      }
    }

    new ResizeObserver(() => { if (box.clientWidth - 6 !== wide) again(); }).observe(box);
    return { box, fill, place };
  }

  kit.kinds.hero = (box, data) => {
    const now = { n: data.start, by: 0, question: 0 };
    const question = () => data.questions[now.question];
    const judge = () => data.judges[now.by];
    const size = () => data.sizes[now.n];

    // positions of the first n replies, best first; of equals the first
    const ranked = (n) => {
      const row = question().scores[now.by];
      return [...Array(n).keys()].sort((a, b) => row[b] - row[a] || a - b);
    };
    const bestOf = (n, by = now.by) => {
      const row = question().scores[by];
      let best = 0;
      for (let j = 1; j < n; j++) if (row[j] > row[best]) best = j;
      return best;
    };

    function facts() {
      const { gold, scores } = question();
      const order = ranked(size()), j = order[0];
      return {
        order, j, gold: gold[j], score: scores[now.by][j],
        before: { gold: gold[0], score: scores[now.by][0] },
        above: order.filter((k) => gold[k] > gold[j]).length,
        mean: data.curves[now.by].gold[now.n].mean,
        itself: judge().name === "gold",
      };
    }

    // ---- words ----

    const went = (a, b) =>
      `${number(a)} ${b > a + 0.004 ? "up to" : b < a - 0.004 ? "down to" : "to"} ${number(b)}`;
    function sentence(found) {
      const n = size();
      if (n === 1) return "One reply: there is nothing to choose from yet. Move n.";
      const own = found.itself ? ""
        : `the score by ${judge().name} went from ${went(found.before.score, found.score)}, `;
      const way = goldsBy(now.by).slice(0, now.n + 1), top = Math.max(...way);
      const peak = top < found.gold + 0.004 ? ""
        : `, after ${number(top)} at n = ${data.sizes[way.lastIndexOf(top)]}`;
      const gold = went(found.before.gold, found.gold) + peak;
      return `From n = 1 to n = ${n}, ${own}gold from ${gold}.`;
    }

    const longest = () => "From n = 1 to n = 256, the score by a weak reward model went from " +
      "−0.00 down to −0.00, gold from −0.00 down to −0.00, after −0.00 at n = 128.";

    function bubble(j, found, sizing = false) {
      const own = found.itself ? "" : `its score ${number(question().scores[now.by][j])}`;
      const note = found.above === 0 ? "no reply in the stack has a higher gold"
        : `${found.above} in the stack ${found.above === 1 ? "has" : "have"} a higher gold`;
      return kit.reply(question().texts[j], {
        chosen: !sizing, score: `gold ${number(question().gold[j])}`,
        note: [own, note].filter(Boolean).join(" · "),
      });
    }

    // every reply that can be chosen, one over the other: the place is as high as the highest
    function sizers(found) {
      const ever = new Set(data.judges.flatMap((_, by) => data.sizes.map((n) => bestOf(n, by))));
      return node("div", { class: "ck-steady" }, [...ever].map((j) =>
        bubble(j, { ...found, itself: false, above: 200 }, true)));
    }

    // ---- the curves ----

    const goldsBy = (by) => data.sizes.map((n) => question().gold[bestOf(n, by)]);
    const rangeOf = (points) =>
      [Math.min(...points.map((p) => p.low)), Math.max(...points.map((p) => p.high))];
    // from below 1, so that the marks at 1 stand clear of the numbers beside the axis
    const xAxis = { from: 0.75, to: data.sizes.at(-1), scale: "log2",
      ticks: data.sizes.filter((_, k) => k % 2 === 0).map((n) => [n, n]) };

    function golds(g, area, found) {
      const lines = data.judges.map((_, by) => goldsBy(by)), here = lines[now.by];
      const every = data.curves.flatMap((c) => c.gold);
      const [low, high] = rangeOf([...every, ...lines.flat().map((v) => ({ low: v, high: v }))]);
      const at = kit.axes(g, area, xAxis,
        { from: low - 0.15, to: high + 0.15, label: "gold of the chosen reply", zero: true });
      const ends = data.curves.map((c, by) => ({ by, y: at.y(c.gold.at(-1).mean) }));
      for (const { by, y } of kit.apart(ends, at.bottom - 6)) {
        const points = data.curves[by].gold, mine = by === now.by;
        if (mine) kit.curve(g, at, data.sizes, points, "c0");
        else g.append(svg("path", {
          d: kit.path(data.sizes.map((n, k) => [at.x(n), at.y(points[k].mean)])),
          class: "ck-line", stroke: kit.hue("c6"), opacity: 0.65, "stroke-dasharray": "5 4",
        }));
        text(g, at.right + 13, y + 4, data.judges[by].short, { class: mine ? "ck-label" : "" });
      }
      here.slice(0, now.n + 1).forEach((v, k) =>
        kit.dot(g, at.x(data.sizes[k]), at.y(v), "c1", k === now.n ? 6 : 3));
      kit.ring(g, at.x(size()), at.y(found.mean), "c0");
    }

    function scores(g, area) {
      const points = data.curves[now.by].own, [low, high] = rangeOf(points);
      const at = kit.axes(g, area, { ...xAxis, label: "n" },
        { from: low, to: high, ticks: kit.ticks(low, high, 3),
          label: "score by the one who chooses, mean" });
      kit.curve(g, at, data.sizes, points, "c0");
      kit.ring(g, at.x(size()), at.y(points[now.n].mean), "c0");
    }

    const picture = kit.figure((g, width) => {
      const found = facts(), side = { left: 30, width: width - 84 };
      golds(g, { ...side, top: 26, height: 150 }, found);
      scores(g, { ...side, top: 236, height: 66 });
      return { height: 344, label: `Curves over ${data.count} questions. ${sentence(found)} ` +
        `The mean gold over all questions is ${number(found.mean)} at n = ${size()}.` };
    }, { narrowest: 240, widest: 420 });

    // ---- the card ----

    const stack = heap(), live = kit.announcer();
    const ask = node("p", { class: "ck-ask" });
    const chosen = node("div", {}), room = kit.steady(chosen, "");
    const said = node("p", {}), about = node("p", { class: "ck-hint" });
    const marks = node("p", { class: "ck-marks" });

    function redraw() {
      const found = facts();
      const same = chosen.dataset.shown === `${now.question} ${found.j}`;
      chosen.dataset.shown = `${now.question} ${found.j}`;
      chosen.className = same ? "" : "ck-new"; // a new choice moves in
      chosen.replaceChildren(bubble(found.j, found));
      stack.place(found.order);
      said.textContent = sentence(found);
      about.textContent = judge().about;
      marks.replaceChildren(
        node("span", { class: "ck-dot" }, "this question ", node("b", {}, number(found.gold))),
        node("span", { class: "ck-ring" }, `mean of all ${data.count} `,
          node("b", {}, number(found.mean))));
      picture.redraw();
      live.say(`${sentence(found)} Mean over ${data.count} questions ${number(found.mean)}. ` +
        `Chosen: ${question().texts[found.j].map(([s]) => s).join(" ")}`);
    }

    function turnTo(k) {
      now.question = k;
      ask.textContent = question().ask;
      stack.fill(question(), data.kinds);
      room.lastChild.replaceChildren(sizers(facts()));
      redraw();
    }

    let waiting = 0;
    const play = kit.button("▶ Let n grow", () => (waiting ? stop() : start()));
    function stop() {
      clearTimeout(waiting);
      waiting = 0;
      play.textContent = "▶ Let n grow";
    }
    function start(last = data.sizes.length - 1, pause = 1100) {
      const step = () => {
        if (now.n >= last) return stop();
        now.n += 1;
        n.set(now.n);
        redraw();
        waiting = setTimeout(step, pause);
      };
      if (now.n >= last) { now.n = 0; n.set(0); redraw(); }
      play.textContent = "❚❚ Pause";
      waiting = setTimeout(step, pause / 2);
    }
    const n = kit.slider({ label: "replies, n", values: data.sizes, at: now.n,
      told: (v) => `${v} ${v === 1 ? "reply" : "replies"}`,
      on: (k) => { stop(); now.n = k; redraw(); } });
    const by = kit.choice({ label: "chosen by", options: data.judges.map((j) => j.name),
      on: (k) => { now.by = k; redraw(); } });
    const many = data.questions.length;
    const another = many > 1 && kit.button("Another question", () => {
      stop();
      turnTo((now.question + 1) % many);
    });

    box.append(
      node("p", {}, "A small language model writes n replies to one question. ",
        "The one with the highest score is chosen. Is it the best one? ",
        node("b", {}, "Gold"), " tells: points from a program that knows the right reply."),
      node("div", { class: "ck-hero-row" }, ask, another),
      node("div", { class: "ck-hero-row" }, n.box, play), by.box, about,
      node("div", { class: "ck-hero" },
        node("div", {}, room, kit.steady(said, node("p", {}, longest())), stack.box,
          kit.legend(data.kinds)),
        node("div", {}, picture.box, marks)),
      node("p", { class: "ck-hint" }, `You see one question of ${data.count}, picked because ` +
        `it reads well. Lines and rings are means over all ${data.count}, with 95 % intervals.`),
      live.box);
    turnTo(0);
    welcome();

    // a short opening, once, when the card is first seen; none under reduced motion
    function welcome() {
      if (kit.calm()) return;
      now.n = 0;
      n.set(0);
      redraw();
      const seen = new IntersectionObserver(([entry]) => {
        if (!entry.isIntersecting) return;
        seen.disconnect();
        if (now.n === 0 && !waiting) start(data.start, 700);
      }, { threshold: 0.3 });
      seen.observe(stack.box);
    }
  };
})();
