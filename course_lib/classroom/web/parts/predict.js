// A guess before the answer: a slider or a choice, kept by the kernel or in this browser.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.predict) return;
  const { node } = kit;
  const KEY = "progress"; // what the browser keeps, in the shape of the progress file
  const isNumber = (v) => typeof v === "number" && Number.isFinite(v);

  // as in_words of course_lib/classroom/guesses.py: "1.2 points", "8 %", "1 point"
  function inWords(value, data) {
    if (typeof value === "string") return value;
    const number = value.toLocaleString("en-GB", { maximumFractionDigits: data.digits })
      .replace(/^-/, "−");
    const many = data.unit.length > 2 && /[^s]s$/.test(data.unit);
    return `${number} ${number === "1" && many ? data.unit.slice(0, -1) : data.unit}`.trim();
  }

  const stored = () => {
    const kept = kit.store.read(KEY);
    const fine = kept && kept.format === 1 ? kept : { format: 1, items: {}, tasks: {} };
    return { ...fine, guesses: fine.guesses || {} };
  };
  function keepStored(name, value) {
    const kept = stored();
    kept.guesses[name] = { value, at: new Date().toISOString().replace(/\.\d+Z$/, "+00:00") };
    return kit.store.write(KEY, kept);
  }

  // the website: beside the answer, what was guessed
  function tellBeside(data, value) {
    for (const place of document.querySelectorAll("[data-guess]")) {
      if (place.dataset.guess !== data.name) continue;
      place.textContent = `You guessed: ${inWords(value, data)}.`;
      place.hidden = false;
    }
  }

  // the control: {box, value(): what it says now, or null, set(value)}
  function control(data, changed) {
    if (data.options) {
      const { options } = data;
      const field = kit.choice({ label: data.question, options, at: -1, on: changed });
      const set = (value) => options.includes(value) && field.set(options.indexOf(value));
      return { box: field.box, set, value: () => (field.at < 0 ? null : options[field.at]) };
    }
    const values = Array.from({ length: data.steps + 1 }, (_, k) =>
      Number((data.low + k * data.step).toFixed(data.digits)) + 0); // and −0 is 0
    const field = kit.slider({
      label: data.question, values, at: data.start, hint: data.range, on: changed,
      told: (value) => inWords(value, data),
    });
    const away = (value) => (k) => Math.abs(values[k] - value);
    const nearest = (value) => values.map((_, k) => k).reduce((a, b) =>
      (away(value)(b) < away(value)(a) ? b : a));
    const set = (value) => isNumber(value) && field.set(nearest(value));
    return { box: field.box, set, value: () => values[field.at] };
  }

  kit.kinds.predict = (box, data, card) => {
    const site = kit.onSite();
    const entry = site ? stored().guesses[data.name] : { value: data.kept };
    let kept = entry && (data.options ? data.options.includes(entry.value) : isNumber(entry.value))
      ? entry.value : null;
    const said = node("p", { class: "ckp-said" });
    const note = node("p", { class: "ckp-note" });
    const next = site ? "The answer stands below." : "Run the next cell.";
    const tell = (after) => {
      said.textContent = kept === null ? "" : `Your guess: ${inWords(kept, data)}. ${after}`.trim();
      if (kept !== null && site) tellBeside(data, kept);
    };

    function changed() {
      note.textContent = "";
      if (kept !== null && asked.value() !== kept)
        said.textContent = `Kept so far: ${inWords(kept, data)}.`;
      else tell(next);
    }
    function keep() {
      const value = asked.value();
      if (value === null) { said.textContent = "Choose one of them first."; return; }
      kept = value;
      note.textContent = "";
      tell(next);
      if (site) {
        if (!keepStored(data.name, value))
          note.textContent = "Not kept: this browser's store is closed.";
        return;
      }
      const sent = kit.send(card.link, { name: data.name, value }, (reply) => {
        if (!reply)
          note.textContent = "Not saved yet: Python does not answer. After a restart, run this cell.";
        else if (reply.error) note.textContent = `Not saved: ${reply.error}`;
        else note.textContent = `Kept in ${reply.file}.`;
      });
      if (sent) return;
      tell("");
      note.textContent = "Not saved here; run this cell to save it.";
    }

    const asked = control(data, changed);
    asked.set(kept);
    box.append(asked.box,
      kit.button("Keep my guess", keep, { class: "ck-button ck-main" }),
      node("div", { role: "status" }, said, note));
    note.textContent = data.error;
    tell(next);
  };
})();
