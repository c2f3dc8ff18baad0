// The page: acts, measures, the tree, the columns of the chosen node, and questions to the kernel.

const ACTS = ["undo", "redo", "suggest", "ahead", "grow", "prune", "leaf"];
const PATIENCE = 150, SILENCE = 60_000;

class BuilderPage {
  constructor(model, element) {
    this.model = model;
    this.words = model.get("words");
    this.waiting = new Map();
    this.asked = 0;
    this.looked = 0;
    this.chosen = "1";
    this.columns = [];
    this.pictures = new Map();
    const locale = this.words.language === "fa" ? "fa" : "en";
    this.formats = new Map();
    this.locale = locale;
    this.build(element);
    this.heard = (content, buffers) => this.hear(content, buffers);
    this.follow = () => this.showState();
    model.on("msg:custom", this.heard);
    model.on("change:state", this.follow);
    this.resized = new ResizeObserver(() => {
      const width = this.editorWidth();
      if (width && width !== this.drawnWidth) { this.drawnWidth = width; this.editor?.show(); }
    });
    this.resized.observe(this.editorBox);
    this.seen = new IntersectionObserver((entries) => this.fetch(entries), { root: this.list, rootMargin: "200px" });
    this.showState();
    this.choose("1");
  }

  close() {
    this.model.off("msg:custom", this.heard);
    this.model.off("change:state", this.follow);
    this.resized.disconnect();
    this.seen.disconnect();
  }

  number(value, digits = 12) {
    if (!this.formats.has(digits)) {
      this.formats.set(digits, new Intl.NumberFormat(this.locale, { maximumSignificantDigits: digits }));
    }
    return this.formats.get(digits).format(value).replace("-", "−");
  }

  shownOf(name) { return this.columns.find((column) => column.name === name)?.shown ?? name; }

  editorWidth() { return Math.floor(this.editorBox.clientWidth); }

  // Questions to the kernel; each has a number, and its answer the same one.

  ask(ask, given = {}) {
    const id = ++this.asked;
    const busy = setTimeout(() => this.root.classList.add("crm-busy"), PATIENCE);
    const silence = setTimeout(() => this.hear({ id, error: this.words.wait }), SILENCE);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, done: () => { clearTimeout(busy); clearTimeout(silence); } });
      this.root.setAttribute("aria-busy", "true");
      this.model.send({ id, ask, node: this.chosen, ...given });
    });
  }

  hear(content, buffers) {
    const asked = this.waiting.get(content.id);
    if (!asked) return;
    this.waiting.delete(content.id);
    asked.done();
    if (!this.waiting.size) {
      this.root.classList.remove("crm-busy");
      this.root.setAttribute("aria-busy", "false");
    }
    if (content.error) asked.reject(new Error(content.error));
    else asked.resolve({ ...content, pictures: this.unpack(content.pictures, buffers) });
  }

  /** Counts out of the buffer: behind the edges of all columns stand the counts of all. */
  unpack(pictures, buffers) {
    if (!pictures) return undefined;
    const classes = this.model.get("state").classes.length, bytes = buffers[0];
    const raw = bytes.buffer ? bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) : bytes;
    const edges = pictures.map((one) => (one.kind === "numbers" ? one.bars + 1 : 0)), behind = 8 * total(edges);
    const numbers = new Float64Array(raw, 0, total(edges)), counts = new Uint32Array(raw, behind);
    let [atEdge, atCount] = [0, 0];
    const row = () => Array.from(counts.subarray(atCount, (atCount += classes)));
    return pictures.map((one, place) => {
      const found = { ...one };
      if (edges[place]) found.edges = numbers.subarray(atEdge, (atEdge += edges[place]));
      found.counts = Array.from({ length: one.bars + (one.kind === "names" ? 1 : 0) }, row);
      found.missing = row();
      return found;
    });
  }

  /** Do what was asked and say how it went; what went wrong is said in words. */
  async run(work) {
    try {
      this.wrong.textContent = "";
      await work();
    } catch (error) {
      this.wrong.textContent = error.message;
    }
  }

  choose(key) {
    this.chosen = key;
    this.drawing.mark(key);
    this.showActs();
    const turn = ++this.looked;
    return this.run(async () => {
      const found = await this.ask("look", { node: key });
      if (turn === this.looked) { this.showNode(found); this.said.textContent = found.path; }
    });
  }

  act(ask, given = {}) {
    const turn = ++this.looked;
    return this.run(async () => {
      const found = await this.ask(ask, given);
      this.said.textContent = found.said;
      if (turn !== this.looked) return;
      this.chosen = found.node;
      this.drawing.mark(found.node);
      this.showActs();
      this.showNode(found);
    });
  }

  /** A suggestion is shown, not made. */
  suggest(ask, column = null) {
    const key = this.chosen;
    return this.run(async () => {
      const found = await this.ask(ask, { column });
      this.said.textContent = found.said;
      if (!found.split || key !== this.chosen) return;
      await this.open(found.split.column, found.split);
      this.applyButton.focus({ preventScroll: true });
    });
  }

  // What stands on the page

  build(element) {
    const { words } = this;
    this.buttons = Object.fromEntries(ACTS.map((name) => [name, make("button", { type: "button", "data-act": name,
      onclick: () => this.press(name) }, words[name])]));
    this.name = make("input", { type: "text", maxlength: 200, class: "crm-name-field",
      onchange: () => this.act("name", { name: this.name.value }) });
    this.bar = make("div", { class: "crm-acts", role: "toolbar", "aria-label": words.acts },
      ...Object.values(this.buttons));
    this.said = make("p", { class: "crm-said", role: "status", "aria-live": "polite" });
    this.wrong = make("p", { class: "crm-wrong", role: "alert" });
    this.measures = make("table", { class: "crm-measures" });
    this.legend = make("p", { class: "crm-legend" });
    this.drawing = new TreeDrawing(words, (key) => this.choose(key));
    this.title = make("h3", { class: "crm-title" });
    this.editorBox = make("div", { class: "crm-editor-box" });
    this.editorHead = make("div", { class: "crm-editor-head" });
    this.branches = make("div", { class: "crm-branches" });
    this.list = make("div", { class: "crm-columns", role: "group", "aria-label": words.columns });
    this.root = make("div", { class: "crm-tree", lang: words.language, dir: words.rtl ? "rtl" : "ltr",
      "data-lm-suppress-shortcuts": "true", onkeydown: (event) => this.shortcut(event) },
    this.bar, make("div", { class: "crm-progress", "aria-hidden": "true" }),
    make("div", { class: "crm-top" }, this.measures, make("div", { class: "crm-sayings" }, this.said, this.wrong, this.legend)),
    this.drawing.element,
    make("div", { class: "crm-node" },
      make("section", { class: "crm-editor" }, make("div", { class: "crm-heading" }, this.title,
        make("label", { class: "crm-name" }, make("span", {}, words.name), this.name)), this.editorHead, this.editorBox, this.branches), this.list));
    classColours(this.model.get("state").classes.length).forEach(([light, dark], place) => {
      this.root.style.setProperty(`--crm-class-${place}`, `light-dark(${light}, ${dark})`);
    });
    const style = make("style");
    style.textContent = this.model.get("state").classes.map((_, place) =>
      `.crm-tree .crm-class-${place} { fill: var(--crm-class-${place}); background: var(--crm-class-${place}); }`).join("\n");
    this.root.append(style);
    element.append(this.root);
  }

  press(name) {
    if (name === "suggest" || name === "ahead") return this.suggest(name);
    if (name === "leaf") return this.act("leaf", { closed: !this.node()?.closed });
    return this.act(name);
  }

  shortcut(event) {
    if (!(event.ctrlKey || event.metaKey) || event.target.tagName === "INPUT") return;
    const name = { z: event.shiftKey ? "redo" : "undo", y: "redo" }[event.key.toLowerCase()];
    if (!name) return;
    event.preventDefault();
    if (!this.buttons[name].disabled) this.press(name);
  }

  node() { return this.model.get("state").nodes.find((node) => node.key === this.chosen); }

  showState() {
    const state = this.model.get("state"), keys = new Set(state.nodes.map((node) => node.key));
    while (!keys.has(this.chosen)) this.chosen = this.chosen.slice(0, this.chosen.lastIndexOf("."));
    this.drawing.show(state, this.chosen);
    const { words } = this, held = state.measures.some((one) => one.held_out);
    this.measures.replaceChildren(
      make("tr", {}, make("td"), ...state.measures.map((one) => make("th", { scope: "col" }, one.name))),
      make("tr", {}, make("th", { scope: "row" }, words.training),
        ...state.measures.map((one) => make("td", { rowspan: held && !one.held_out ? 2 : null }, one.training))),
      ...(held ? [make("tr", {}, make("th", { scope: "row" }, words.held_out),
        ...state.measures.filter((one) => one.held_out).map((one) => make("td", {}, make("b", {}, one.held_out))))] : []),
    );
    this.legend.replaceChildren(...state.classes.map((name, place) => make("span", {},
      make("i", { class: `crm-dot crm-class-${place}`, "aria-hidden": "true" }), make("bdi", {}, name))));
    this.showActs();
    // Done from elsewhere, such as another view or the notebook: what is shown of the node is old.
    const acts = state.acts;
    if (this.acts !== undefined && acts !== this.acts && !this.waiting.size) this.choose(this.chosen);
    this.acts = acts;
  }

  showActs() {
    const state = this.model.get("state"), node = this.node();
    this.buttons.undo.disabled = !state.undo;
    this.buttons.redo.disabled = !state.redo;
    this.buttons.prune.disabled = !node?.split;
    for (const name of ["suggest", "ahead", "grow"]) this.buttons[name].disabled = Boolean(node?.closed);
    this.buttons.leaf.setAttribute("aria-pressed", node?.closed ? "true" : "false");
    if (document.activeElement !== this.name) this.name.value = node?.name ?? "";
    if (document.activeElement?.disabled) this.drawing.boxes.get(this.chosen)?.focus({ preventScroll: true });
  }

  /** The columns of the chosen node, and the split of one of them. */
  showNode(found) {
    this.title.textContent = found.title;
    this.split = found.split;
    this.columns = found.columns;
    this.pictures = new Map(found.pictures.map((picture) => [picture.name, picture]));
    this.seen.disconnect();
    this.cards = new Map(found.columns.map((column) => [column.name, this.card(column)]));
    this.list.replaceChildren(...this.cards.values());
    // At the same node one goes on with the column at hand; at another one begins with the best.
    const same = found.node === this.shown && this.pictures.has(this.opened);
    this.shown = found.node;
    const first = found.split?.column ?? (same ? this.opened : found.columns[0]?.name);
    if (first) this.open(first, found.split);
  }

  card(column) {
    const picture = this.pictures.get(column.name);
    const worth = make("span", { class: "crm-worth", title: this.words.gain_hint },
      make("span", { class: "crm-worth-bar", "aria-hidden": "true" }), make("span", {}, column.gain));
    worth.firstChild.style.setProperty("--crm-worth", column.worth);
    const card = make("button", { type: "button", class: "crm-card", "data-column": column.name, "aria-pressed": "false",
      "aria-label": `${column.shown}, ${this.words.gain} ${column.gain}`, title: column.shown,
      onclick: () => this.run(() => this.open(column.name, null)) },
    make("span", { class: "crm-card-head" }, make("b", {}, make("bdi", {}, column.shown)), worth));
    if (picture) card.append(thumbnail(picture)); else { card.append(draw("svg", { class: "crm-thumb" })); this.seen.observe(card); }
    return card;
  }

  /** Columns further down are asked for when they come into sight. */
  async fetch(entries) {
    const names = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target.dataset.column)
      .filter((name) => !this.pictures.has(name));
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => this.seen.unobserve(entry.target));
    if (names.length) await this.run(() => this.bring(names));
  }

  async bring(names) {
    const key = this.chosen, found = await this.ask("columns", { names });
    if (key !== this.chosen) return;
    for (const picture of found.pictures) {
      this.pictures.set(picture.name, picture);
      this.cards.get(picture.name)?.querySelector(".crm-thumb").replaceWith(thumbnail(picture));
    }
  }

  async open(name, split) {
    if (!this.pictures.has(name)) await this.bring([name]);
    const picture = this.pictures.get(name), wanted = split ?? this.split;
    if (!picture) return;  // another node was chosen meanwhile
    const given = wanted?.column === name ? wanted : null;
    this.opened = name;
    for (const [other, card] of this.cards) card.setAttribute("aria-pressed", other === name ? "true" : "false");
    let missing = picture.gone ? "own" : null;
    if (given) missing = given.missing >= (given.groups?.length ?? given.cuts.length + 1) ? "own" : given.missing;
    this.editorBox.classList.toggle("crm-with-groups", picture.kind === "names");
    this.editor = picture.kind === "numbers"
      ? new CutEditor(this, picture, given?.cuts ?? [], missing)
      : new GroupEditor(this, picture, given?.groups ?? [], missing);
    this.editorBox.replaceChildren(this.editor.element);
    this.showEditorHead(name, picture);
    this.drawnWidth = this.editorWidth();
    this.editor.show();
    this.branches.replaceChildren();
    if (this.editor.ready) this.preview(); else this.readyOrNot();
  }

  showEditorHead(name, picture) {
    const { words } = this, numbers = picture.kind === "numbers";
    const button = (text, work, kind = "") => make("button", { type: "button", class: kind, onclick: work }, text);
    this.applyButton = button(words.apply, () => this.act("split", { split: this.editor.plain }), "crm-apply");
    this.bestButton = button(words.best, () => this.suggest("suggest", name));
    this.addButton = numbers ? button(words.add, () => this.editor.add()) : button(words.apart, () => this.editor.each());
    this.clearButton = button(words.clear, () => { this.editor.take([], this.editor.missing); this.edited(); });
    this.addButton.classList.add("crm-add");
    this.clearButton.classList.add("crm-clear");
    this.bestButton.disabled = Boolean(this.node()?.closed);
    this.missingBox = picture.gone ? make("select", { onchange: () => {
      const value = this.missingBox.value;
      this.editor.missing = value === "own" ? "own" : Number(value);
      this.edited();
    } }) : null;
    this.editorHead.replaceChildren(make("h4", {}, make("bdi", {}, this.shownOf(name))), this.applyButton, this.bestButton,
      this.addButton, this.clearButton,
      ...(this.missingBox ? [make("label", { class: "crm-missing" }, make("span", {}, words.missing_go), this.missingBox)] : []));
  }

  focusAdd() { this.addButton.focus({ preventScroll: true }); }

  readyOrNot() {
    const { ready } = this.editor, ways = this.editor.cuts ? this.editor.cuts.length + 1 : this.editor.groups.length;
    // Missing values by themselves against all others are a split as well.
    this.applyButton.disabled = !ready && !(this.editor.missing === "own" && this.missingBox && total(this.editor.picture.missing));
    this.clearButton.disabled = !ready;
    if (!this.missingBox) return;
    const options = [["own", this.words.own], ...Array.from({ length: ways }, (_, place) =>
      [String(place), filled(this.words.branch, { n: this.number(place + 1) })])];
    this.missingBox.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
    if (typeof this.editor.missing === "number") this.editor.missing = Math.min(this.editor.missing, ways - 1);
    this.missingBox.value = String(this.editor.missing ?? "own");
  }

  /** A cut or group was changed: what the split would make is asked of the kernel, which counts exactly. */
  edited() { this.preview(); }

  /** One question at a time; of those that come meanwhile only the last one is asked. */
  async preview() {
    this.readyOrNot();
    if (this.previewing) { this.again = true; return; }
    const editor = this.editor;
    if (this.applyButton.disabled) { this.branches.replaceChildren(); return; }
    this.previewing = true;
    await this.run(async () => {
      try {
        const found = await this.ask("preview", { split: editor.plain });
        if (editor === this.editor) this.showBranches(found);
      } catch (error) {
        if (editor === this.editor) { this.branches.replaceChildren(); throw error; }
      }
    });
    this.previewing = false;
    if (!this.again) return;
    this.again = false;
    this.preview();
  }

  showBranches(found) {
    const classes = this.model.get("state").classes;
    this.branches.replaceChildren(make("table", {},
      make("caption", {}, `${this.words.branches} (${this.words.gain} ${found.gain})`),
      ...found.branches.map((branch) => make("tr", {},
        make("th", { scope: "row" }, make("bdi", {}, branch.label)), make("td", { class: "crm-number" }, branch.n),
        make("td", { class: "crm-wide" }, classBar(branch.counts)),
        make("td", {}, make("bdi", {}, `${branch.share} `), make("bdi", {}, classes[branch.class]))))));
  }
}

export default {
  render({ model, el }) {
    const page = new BuilderPage(model, el);
    return () => page.close();
  },
};
