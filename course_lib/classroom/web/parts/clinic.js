// The clinic: a desk with the figure on the left, replies and the verdict on the right.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.clinic) return;
  const { node, svg, text, number } = kit;
  const ROWS = [["base", "c6"], ["control", "c4"], ["this", "c1"], ["repaired", "c0"]];
  const HEIGHT = 292;
  const DIGITS = { tokens: 1 };

  // mean with its band at 0, 1, 2 …; the twin is dashed
  function line(g, at, points, colour, name, dashed) {
    const xs = points.map((_, k) => k);
    const bands = points.map(([mean, low, high]) => ({ mean, low, high }));
    kit.curve(g, at, xs, bands, colour, dashed ? { "stroke-dasharray": "7 4" } : {});
    xs.forEach((k) => kit.dot(g, at.x(k), at.y(points[k][0]), colour, 3.5));
    return { name, y: at.y(points.at(-1)[0]), x: at.x(xs.at(-1)) };
  }

  // names at the ends of lines, apart from each other
  function ends(g, marks, bottom) {
    marks.sort((a, b) => a.y - b.y);
    marks.forEach((mark, k) => {
      mark.at = Math.max(mark.y + 4, k ? marks[k - 1].at + 15 : 0);
    });
    const over = Math.max(0, marks.at(-1).at - bottom + 2);
    marks.forEach((mark) => {
      mark.at -= over;
      text(g, mark.x + 8, mark.at, mark.name, { class: "ck-label ck-halo" });
    });
  }

  function span(curves) {
    const points = curves.flat();
    const low = Math.min(...points.map((p) => p[1])), high = Math.max(...points.map((p) => p[2]));
    const room = (high - low) * 0.05 || 0.1;
    return [low - room, high + room];
  }

  function overRounds(g, area, patient, of, label, repaired) {
    const curves = patient.curves[of], [from, to] = span(curves);
    const last = curves[0].length - 1, room = 66;
    const ticks = curves[0].map((_, k) => [k, k]).filter(([k]) => last < 7 || k % 2 === 0);
    const at = kit.axes(g, { ...area, width: area.width - room },
      { from: 0, to: last, ticks },
      { from, to, zero: true, label, ticks: kit.ticks(from, to, 4) });
    text(g, at.right + 12, at.bottom + 16, last > 1 ? `${patient.unit}s` : patient.unit);
    const marks = [line(g, at, curves[0], "c1", "this", false)];
    if (repaired) marks.push(line(g, at, curves[1], "c0", "repaired", true));
    ends(g, marks, at.bottom);
  }

  function losses(g, area, patient, repaired) {
    const every = patient.losses.flat(), room = 66;
    const at = kit.axes(g, { ...area, width: area.width - room },
      { from: 0, to: Math.max(...every.map(([step]) => step)) },
      { from: 0, to: Math.max(...every.map(([, loss]) => loss)) * 1.05,
        label: "training loss (nats a trained token)" });
    text(g, at.right + 12, at.bottom + 16, "steps");
    const marks = patient.losses.slice(0, repaired ? 2 : 1).map((points, k) => {
      const places = points.map(([step, loss]) => [at.x(step), at.y(loss)]);
      g.append(svg("path", { d: kit.path(places), class: "ck-line",
        stroke: kit.hue(k ? "c0" : "c1"), "stroke-dasharray": k ? "7 4" : "" }));
      const [x, y] = places.at(-1);
      return { name: k ? "repaired" : "this", x, y };
    });
    ends(g, marks, at.bottom);
  }

  // each measure as a small forest: base, control, this pipeline, and its repaired twin
  function forests(g, top, width, patient, names, repaired) {
    const across = 3, labels = 66, each = (width - labels) / across, row = 17;
    names.forEach((name, m) => {
      const left = labels + (m % across) * each, y0 = top + Math.floor(m / across) * (4 * row + 20);
      const values = patient.measured.map(([, all]) => all[m]);
      const [from, to] = span([values]);
      const size = each - 56, at = (v) => left + 4 + ((v - from) / (to - from || 1)) * size;
      text(g, left, y0, name, { class: "ck-label" });
      values.slice(0, repaired ? 4 : 3).forEach(([mean, low, high], k) => {
        const y = y0 + 15 + k * row, [word, colour] = ROWS[k];
        if (m % across === 0) text(g, 0, y + 4, word, { class: k > 1 ? "ck-label" : "" });
        g.append(svg("line", { x1: at(low), x2: at(high), y1: y, y2: y,
          stroke: kit.hue(colour), "stroke-width": 2 }));
        kit.dot(g, at(mean), y, colour, 4);
        text(g, left + each - 8, y + 4, number(mean, DIGITS[name] ?? 2), { "text-anchor": "end",
          class: k > 1 ? "ck-label" : "" });
      });
    });
  }

  kit.kinds.clinic = (box, data) => {
    const now = { patient: data.start.patient, look: data.start.look, reply: 0 };
    const known = kit.store.read("clinic") || {}; // number of a patient → "found" or "told"
    const tried = new Set(), repaired = new Set();
    const patient = () => data.patients[now.patient], called = (k) => data.numbers[k];
    const early = (k) => k < data.core; // patients with a choice among their own faults
    const healed = () => repaired.has(now.patient), solved = (k) => known[called(k)];

    // ---- left: the figure ----

    function draw(g, width) {
      const area = { left: 42, top: 26, width: width - 46, height: 92 };
      if (now.look) {
        const label = `gold by ${patient().unit}`;
        overRounds(g, { ...area, height: 66 }, patient(), "gold", label, healed());
        forests(g, 128, width, patient(), data.measures, healed());
      } else {
        losses(g, area, patient(), healed());
        overRounds(g, { ...area, top: 172 }, patient(), "own", patient().own, healed());
      }
      return { height: HEIGHT, label: summary() };
    }

    function summary() {
      const p = patient(), shown = p.measured.slice(0, healed() ? 4 : 3);
      const [first, last] = [p.losses[0][0], p.losses[0].at(-1)].map(([, loss]) => number(loss));
      const own = p.curves.own[0];
      return `Patient ${called(now.patient)}: ` + (now.look
        ? data.measures.map((name, m) => `${name}: ` + shown.map(([who, values]) =>
          `${who} ${number(values[m][0])}`).join(", ")).join("; ")
        : `training loss from ${first} to ${last} nats; ${p.own} from ${number(own[0][0])} to ` +
          number(own.at(-1)[0])) + ".";
    }

    // ---- right: replies beside each other ----

    const ask = node("p", { class: "ck-ask" }), pair = node("div", { class: "ck-pair" });

    function replies() {
      const [base, mine, twin] = patient().replies.map((rows) => rows[now.reply]);
      ask.textContent = patient().prompts[now.reply];
      const sides = healed() ? [["this pipeline", mine, true], ["repaired", twin, false]]
        : [["base policy", base, false], ["this pipeline", mine, true]];
      const note = (gold) => (now.look ? `gold ${number(gold)}` : "");
      pair.replaceChildren(...sides.filter(([, said]) => said).map(([who, [said, gold], chosen]) =>
        kit.reply(said || "(empty)", { chosen, score: who, note: note(gold) })));
    }

    // ---- the verdict ----

    const verdict = node("div", { role: "status", class: "ck-verdict" });
    const say = (mark, kind, head, words) => verdict.replaceChildren(node("p", {},
      node("strong", { class: `ck-${kind}` }, `${mark} ${head}`.trim()), ` ${words}`));

    function guess(k) {
      const [fault, would] = data.faults[k];
      if (k === data.fault[now.patient]) return found("found", "✓", `Right: ${fault}.`);
      tried.add(k);
      const closer = now.look ? "." : " at the careful measurement.";
      say("✗", "bad", `Not this one: ${fault}.`, `${would} Look again${closer}`);
      refresh();
    }

    function found(how, mark, head) {
      if (!solved(now.patient) || how === "told") known[called(now.patient)] ??= how;
      kit.store.write("clinic", known);
      say(mark, "good", head, `${patient().tells} Now press Repair.`);
      refresh();
    }

    const tell = () => found("told", "", `It is this: ${data.faults[data.fault[now.patient]][0]}.`);

    function heal() {
      repaired.add(now.patient);
      say("✓", "good", "Repaired.", patient().repair);
      refresh();
    }

    // ---- controls ----

    const guesses = data.faults.map(([fault], k) => kit.button(fault, () => guess(k)));
    const repair = kit.button("Repair", heal, { class: "ck-button ck-main" });
    const told = kit.button("Tell me the fault", tell);
    const progress = node("p", { class: "ck-note ck-progress" });
    const lines = node("div", { class: "ck-lines" });
    const number_ = (k) => `${called(k)}${solved(k) === "found" ? " ✓" : solved(k) ? " ·" : ""}`;
    const numbers = kit.choice({ label: "patient", options: data.patients.map((_, k) => number_(k)),
      at: now.patient, on: (k) => { now.patient = k; tried.clear(); begin(); } });
    if (data.core) numbers.inputs[data.core].parentNode.style.marginLeft = "1.2em";
    const look = kit.choice({ label: "show", options: ["its author's view", "careful measurement"],
      at: now.look, on: (k) => { now.look = k; refresh(); } });
    const which = kit.slider({ label: "reply", values: patient().prompts.map((_, k) => k), at: 0,
      told: (k) => `${k + 1} of ${patient().prompts.length}`,
      on: (k) => { now.reply = k; replies(); } });
    const picture = kit.figure(draw, { widest: 620 });

    function refresh() {
      data.patients.forEach((_, k) => {
        const label = numbers.inputs[k].nextSibling;
        label.replaceChildren(number_(k), node("span", { class: "ck-quiet" },
          { found: ", solved", told: ", told" }[solved(k)] || ""));
      });
      const right = data.fault[now.patient], open = solved(now.patient);
      guesses.forEach((button, k) => {
        const mark = open && k === right ? "✓ " : tried.has(k) ? "✗ " : "";
        button.textContent = mark + data.faults[k][0];
        button.classList.add("ck-guess");
        button.hidden = early(data.fault.indexOf(k)) !== early(now.patient);
        button.classList.toggle("ck-right", mark === "✓ ");
        button.classList.toggle("ck-wrong", mark === "✗ ");
      });
      repair.disabled = !open;
      const count = Object.values(known).filter((how) => how === "found").length;
      progress.textContent = `${count} of ${data.patients.length} solved`;
      lines.replaceChildren(...(now.look
        ? [node("p", {}, patient().differences[0]), healed() && node("details", {},
            node("summary", {}, "Compared with its repaired twin"),
            patient().differences.slice(1).map((words) => node("p", {}, words)))].filter(Boolean)
        : patient().author.map((words) => node("p", {}, words))));
      picture.redraw();
      replies();
    }

    function begin() {
      say("", "ink", `Patient ${called(now.patient)}.`, solved(now.patient)
        ? `${data.faults[data.fault[now.patient]][0]}. You can repair it.`
        : "Look at the figure and the replies, then name the fault.");
      refresh();
    }

    box.classList.add("ck-desk");
    box.append(
      node("div", { class: "ck-top" }, numbers.box, progress),
      node("div", { class: "ck-areas" },
        node("div", { class: "ck-see" }, look.box, picture.box, lines),
        node("div", { class: "ck-read" }, which.box, ask, pair),
        node("div", { class: "ck-name" },
          node("fieldset", { class: "ck-guesses" },
            node("legend", {}, "Which fault is it?"), guesses),
          node("div", { class: "ck-say" }, verdict,
            node("div", { class: "ck-buttons" }, repair, told)))));
    look.box.querySelector("legend").className = "ck-quiet";
    begin();
  };
})();
