// Questions: single choice, ordering, and cases with their rubric.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.quiz) return;
  const { node } = kit;
  const HALF = "A second try counts half, so the question comes back tomorrow.";
  const AGAIN = "You have one more try.";
  const SECOND = "Right at the second try.";
  const { openShell, rounds, rows, folded, withCheck, bare } = kit.question;

  // ---- single choice ----

  function single(item, book, head) {
    const name = kit.fresh("option");
    const tried = new Set();
    const marks = item.options.map(() => node("span", { class: "ckq-mark" }));
    const inputs = item.options.map(() =>
      node("input", { type: "radio", name, onchange: () => change() }));
    const labels = item.options.map((option, k) =>
      node("label", {}, inputs[k], node("span", { class: "ckq-text" }, option.text), marks[k]));
    const field = node("fieldset", { class: "ckq-options" },
      node("legend", { class: "ck-question" }, item.question), labels);
    const shell = openShell(head, withCheck(() => game.check(), field));

    function mark(k, fine, words) {
      marks[k].textContent = words;
      labels[k].classList.toggle("ckq-good", fine === true);
      labels[k].classList.toggle("ckq-bad", fine === false);
    }
    const paint = () => labels.forEach((_, k) =>
      tried.has(k) ? mark(k, false, "✗ tried") : mark(k, null, ""));

    function judge() {
      const k = inputs.findIndex((input) => input.checked);
      if (k < 0) return "Choose one of the answers first.";
      if (tried.has(k)) return "That was your first try. Choose another answer.";
      const fine = k === item.right;
      return { k, fine, share: Number(fine), answer: book.rules.LETTERS[k] };
    }

    function show({ k, fine }, attempt, over) {
      const why = bare(item.options[k].why);
      if (!over) tried.add(k);
      paint();
      if (!over) return shell.say(false, "Not this one.", `${why} ${AGAIN}`);
      mark(k, fine, fine ? "✓ right" : "✗ not this one");
      if (!fine) mark(item.right, true, "✓ the answer");
      const rest = folded("The other options", rows("ul", item.options
        .filter((_, j) => j !== k && j !== item.right).map((option) => [option.text, option.why])));
      if (fine)
        return shell.say(true, attempt === 1 ? "Right." : SECOND,
          attempt === 1 ? why : `${why} ${HALF}`, rest);
      const answer = item.options[item.right];
      return shell.say(false, attempt === 1 ? "Not this one." : "Not this one either.", why,
        node("p", {}, node("b", {}, `The answer: ${answer.text}`), " ", bare(answer.why)), rest);
    }

    const game = rounds(item, book, { shell, judge, show });
    function change() {
      if (game.changed()) tried.clear();
      paint();
    }
    const k = game.past ? book.rules.LETTERS.indexOf(game.past.answer) : -1;
    if (inputs[k]) {
      inputs[k].checked = true;
      show({ k, fine: k === item.right }, game.past.tries, game.past.over);
    }
    return shell.box;
  }

  // ---- ordering ----

  function order(item, book, head) {
    const { LETTERS, scoreOfOrder } = book.rules;
    let tried = "";
    const list = kit.ordering({
      texts: item.steps.map((step) => step.text), order: item.offered,
      on: () => { if (game.changed()) tried = ""; },
    });
    const field = node("fieldset", {}, node("legend", { class: "ck-question" }, item.question),
      node("p", { class: "ck-hint" },
        "Drag a step, or use its two buttons; the up and down keys on them move it too."),
      list.box);
    const shell = openShell(head, withCheck(() => game.check(), field));

    function judge() {
      const now = list.order();
      const answer = now.map((step) => LETTERS[item.offered.indexOf(step)]).join("");
      if (answer === tried) return "That was your first try. Move a step.";
      const share = scoreOfOrder(now);
      return { answer, share, fine: share === 1, now };
    }

    function show({ answer, fine, now }, attempt, over) {
      const fits = now.map((step, place) => step === place);
      const count = fits.filter(Boolean).length;
      list.mark(fits.map((fit) => [fit, fit ? "✓ in place" : "✗ out of place"]));
      const steps = rows("ol", item.steps.map((step) => [step.text, step.why]));
      if (fine)
        return shell.say(true, attempt === 1 ? "Right." : SECOND, attempt === 1 ? "" : HALF,
          folded("Why in this order", steps));
      const said = `${count} of ${now.length} steps ${count === 1 ? "is" : "are"} in place.`;
      tried = answer;
      if (!over) return shell.say(false, "Not yet.", `${said} ${AGAIN}`);
      return shell.say(false, "Not this order.", `${said} The order is below.`,
        folded("The order", steps, true));
    }

    const game = rounds(item, book, { shell, judge, show });
    const { past } = game;
    if (past && [...past.answer].sort().join("") === LETTERS.slice(0, item.offered.length)) {
      const now = [...past.answer].map((letter) => item.offered[LETTERS.indexOf(letter)]);
      list.set(now);
      const fine = now.every((step, place) => step === place);
      show({ answer: past.answer, now, fine }, past.tries, past.over);
    }
    return shell.box;
  }

  // ---- case ----

  function written(item, book, head) {
    const { rules } = book;
    const entry = book.of(item);
    const past = entry && !rules.due(entry) ? rules.last(entry) : null;
    const had = (past && past.points) || [];
    const id = kit.fresh("case");
    const text = node("textarea", {
      id, rows: 6, placeholder: "Write a few sentences first.",
      onchange: () => text.value.trim() && book.draft(item, text.value, shell.note),
    });
    text.value = (entry && entry.draft) || "";
    const ticks = item.rubric.map((_, k) => node("input", {
      type: "checkbox", checked: had.includes(k + 1), onchange: () => { shell.clear(); tally(); },
    }));
    const ticked = () => ticks.flatMap((tick, k) => (tick.checked ? [k + 1] : []));
    const total = node("span", { class: "ckq-total" });
    const tally = () => { total.textContent = `${ticked().length} of ${ticks.length} points`; };
    const open = kit.button("Show a model answer", show, { class: "ck-button ck-main" });
    const model = node("div", { hidden: true, class: "ckq-model" },
      node("p", {}, node("b", {}, "A model answer")), node("p", {}, item.model));
    const point = (row, k) => node("label", {}, ticks[k],
      node("span", { class: "ckq-text" }, node("b", {}, row.point), " ", row.why));
    const marking = node("fieldset", { hidden: true, class: "ckq-options" },
      node("legend", {}, "Which points does your answer have?"), item.rubric.map(point),
      node("p", { class: "ckq-row" }, kit.button("Keep my mark", mark), total));
    const shell = openShell(head, node("div", { class: "ckq-case" },
      node("label", { for: id, class: "ck-question" }, item.question),
      node("div", {}, text, open, model), marking));

    function unfold() {
      open.hidden = true;
      model.hidden = false;
      marking.hidden = false;
      shell.box.classList.add("ckq-open");
      tally();
    }
    function show() {
      if (!text.value.trim()) { shell.say(null, "Write your answer first.", ""); return; }
      shell.clear();
      unfold();
      ticks[0].focus({ preventScroll: true });
      book.draft(item, text.value, shell.note);
    }
    function verdict(points) {
      const fine = rules.enough(points.length / ticks.length);
      const told = fine ? "That counts as right."
        : "From three quarters on it counts as right; the case comes back tomorrow.";
      shell.say(fine || null, `${points.length} of ${ticks.length} points.`, told);
    }
    function mark() {
      const points = ticked();
      verdict(points);
      book.keep(item, text.value, points.length / ticks.length, { points }, shell.note);
    }

    if (past) { unfold(); if (past.points) verdict(had); }
    return shell.box;
  }

  // ---- the card ----

  const DRAW = { single, order, case: written };

  kit.kinds.quiz = (box, data, card) => {
    const standing = node("p", { class: "ckq-standing" });
    const book = kit.openBook(data, card, stand);
    const { due, last, right } = book.rules;
    const byDay = (a, b) => Date.parse(book.of(a).due) - Date.parse(book.of(b).due);
    const waiting = data.all ? data.items.filter((item) => due(book.of(item))).sort(byDay) : [];
    const items = data.all ? waiting.slice(0, data.limit) : data.items;
    const others = (data.all ? waiting.length : data.waiting) - items.length;

    function stand() {
      const entries = items.map(book.of);
      const left = others + entries.filter(due).length;
      const told = left === 1 ? "1 question is due again." : `${left} questions are due again.`;
      if (data.error) standing.textContent = data.error;
      else if (data.mode === "ask")
        standing.textContent = `${data.place}: ${entries.filter(last).length} of ${items.length} ` +
          `questions answered, ${entries.filter(right).length} right.`;
      else if (left) standing.textContent = told;
      else standing.textContent = "Nothing is due: what you have answered waits for its day, " +
        "and the rest is asked in its lesson.";
    }

    box.append(...items.map((item, k) => {
      const again = due(book.of(item)) ? ", due again" : "";
      const place = data.mode === "ask" ? "" : `, from ${item.place}`;
      return DRAW[item.kind](item, book, `Question ${k + 1} of ${items.length}${place}${again}`);
    }), standing);
    stand();
  };
})();
