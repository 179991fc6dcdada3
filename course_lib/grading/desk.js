"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const desk = document.getElementById("desk");
  const cards = [];

  // texts are always set as text: what a student wrote never becomes an element
  const node = (tag, attributes = {}, ...inner) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...inner);
    return made;
  };
  const live = node("p", { class: "dk-quiet", role: "status" });
  const progress = node("p");

  const stood = () => {
    const parts = data.questions.map((q) => {
      const mine = data.answers.filter((a) => a.item === q.item);
      return `${q.item}: ${mine.filter((a) => a.points !== null).length} of ${mine.length} marked`;
    });
    progress.textContent = parts.join(" · ");
  };

  class Card {
    constructor(answer, question, number) {
      this.answer = answer;
      this.question = question;
      this.saved = { points: answer.points, note: answer.note };
      this.queue = Promise.resolve();
      const id = `a${number}`;
      this.buttons = [];
      const points = node("div", { class: "dk-points", role: "group", "aria-label": "points" });
      for (let n = 0; n <= question.most; n += 1) {
        const button = node("button", { type: "button" }, String(n));
        button.addEventListener("click", () => this.give(n));
        this.buttons.push(button);
        points.append(button);
      }
      const half = node("button", { type: "button", "aria-label": "and a half" }, "+½");
      half.addEventListener("click", () => this.half());
      points.append(half);
      this.halfButton = half;
      this.note = node("textarea", { id: `${id}n`, maxlength: "2000", rows: "2" });
      this.note.value = answer.note;
      this.note.addEventListener("blur", () => this.keep());
      this.note.addEventListener("input", () => this.shows());
      this.told = node("span", { class: "ck-told" });
      this.state = node("p", { class: "dk-state" });
      const text = answer.text
        ? node("div", { class: "dk-text", dir: "auto", tabindex: "0" }, answer.text)
        : node("p", { class: "dk-none" }, "Nothing was handed in.");
      const facts = [];
      if (answer.same) facts.push(`${answer.same} other${answer.same > 1 ? "s" : ""} handed in the same text.`);
      if (answer.own_points.length) facts.push(`The student finds rows ${answer.own_points.join(", ")} in it.`);
      this.element = node(
        "article",
        { class: "dk-answer ck-check", tabindex: "-1", "aria-labelledby": `${id}h` },
        node("div", { class: "ck-head" }, node("h3", { id: `${id}h` }, answer.called), this.told),
        text,
        ...(facts.length ? [node("p", { class: "ck-note" }, facts.join(" "))] : []),
        points,
        node("label", { for: `${id}n` }, "Note for the student"),
        this.note,
        this.state,
      );
      this.shows();
    }

    get dirty() {
      const note = this.note.value.trim();
      return this.answer.points !== this.saved.points
        || (note !== this.saved.note && (this.answer.points !== null || note !== ""));
    }

    shows() {
      const { points } = this.answer;
      const most = this.question.most;
      this.buttons.forEach((b, n) => b.setAttribute("aria-pressed", String(points !== null && Math.floor(points) === n)));
      this.halfButton.setAttribute("aria-pressed", String(points !== null && points % 1 !== 0));
      this.told.textContent = points === null ? `– of ${most}` : `${points} of ${most}`;
      const kind = points === null ? "waiting" : points >= most ? "done" : points > 0 ? "partly" : "wrong";
      this.element.className = `dk-answer ck-check ck-${kind}`;
      this.state.classList.toggle("dk-bad", Boolean(this.error));
      if (this.error) this.state.textContent = `Not saved: ${this.error}`;
      else if (this.sending) this.state.textContent = "Saving …";
      else if (this.dirty) this.state.textContent = points === null ? "The note is kept with the points." : "Not saved yet.";
      else this.state.textContent = points === null ? "" : "Saved.";
      stood();
    }

    give(points) {
      if (points < 0 || points > this.question.most) return;
      this.answer.points = points;
      this.keep();
    }

    half() {
      const points = this.answer.points ?? 0;
      this.give(points % 1 ? Math.floor(points) : Math.min(points + 0.5, this.question.most));
    }

    keep() {
      this.shows();
      // whether there is something to send is asked when its turn comes: what is on its way counts
      if (this.answer.points !== null) this.queue = this.queue.then(() => this.send());
      return this.queue;
    }

    async send() {
      if (!this.dirty) return;
      const sent = { points: this.answer.points, note: this.note.value.trim() };
      this.sending = true;
      this.shows();
      try {
        const reply = await fetch("mark", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ key: this.answer.key, ...sent }),
        });
        const told = await reply.json();
        if (!reply.ok) throw new Error(told.error || reply.statusText);
        this.saved = sent;
        this.error = "";
        live.textContent = `${this.answer.called}: ${sent.points} of ${this.question.most}, saved.`;
      } catch (error) {
        this.error = error instanceof TypeError ? "course mark has ended. Start it again." : error.message;
        live.textContent = `Not saved: ${this.error}`;
      }
      this.sending = false;
      this.shows();
    }
  }

  const place = () => {
    const at = cards.findIndex((card) => card.element.contains(document.activeElement));
    return at >= 0 ? at : here;
  };
  let here = -1;
  const goTo = (at) => {
    if (!cards.length) return;
    here = Math.max(0, Math.min(at, cards.length - 1));
    cards[here].element.focus({ preventScroll: true });
    cards[here].element.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("textarea");
    if (typing) {
      if (event.key === "Escape") goTo(place());
      return;
    }
    const at = place();
    if (event.key === "j") goTo(at + 1);
    else if (event.key === "k") goTo(at - 1);
    else if (event.key === "u") {
      const order = cards.map((_, k) => (at + 1 + k) % cards.length);
      const next = order.find((k) => cards[k].answer.points === null);
      if (next !== undefined) goTo(next);
    } else if (at >= 0 && /^[0-9]$/.test(event.key)) cards[at].give(Number(event.key));
    else if (at >= 0 && event.key === ".") cards[at].half();
    else if (at >= 0 && event.key === "n") cards[at].note.focus();
    else return;
    event.preventDefault();
  });

  window.addEventListener("beforeunload", (event) => {
    if (cards.some((card) => card.dirty || card.sending)) event.preventDefault();
  });

  const key = (name) => node("kbd", {}, name);
  desk.append(
    node(
      "header",
      { class: "dk-top" },
      node("h1", {}, `Exercise ${data.exercise.replace("ex", "")}: written answers`),
      progress,
      node(
        "p",
        { class: "dk-keys" },
        key("j"), " ", key("k"), " next, previous · ", key("0"), "–", key("9"), " points · ",
        key("."), " half · ", key("n"), " note, ", key("Esc"), " leaves it · ", key("u"), " next unmarked",
      ),
      live,
    ),
  );
  for (const question of data.questions) {
    const rows = question.rubric.map((row) => node("li", {}, row));
    const side = node(
      "aside",
      { class: "dk-side", "aria-label": `${question.item}: question and rubric`, tabindex: "0" },
      node("h2", {}, question.item),
      node("p", {}, question.question),
      node("h2", {}, `Rubric: a point each, ${question.most} in all`),
      node("ol", {}, ...rows),
      node("details", {}, node("summary", {}, "A model answer"), node("p", {}, question.model)),
    );
    const answers = node("div", { class: "dk-answers" });
    for (const answer of data.answers.filter((a) => a.item === question.item)) {
      const card = new Card(answer, question, cards.length);
      cards.push(card);
      answers.append(card.element);
    }
    desk.append(node("section", { class: "dk-question", "aria-label": question.item }, side, answers));
  }
  stood();
})();
