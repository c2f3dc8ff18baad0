// Small helpers of the page, and the tree: boxes on lines, a tree for screen readers and keys as well.

const SVG = "http://www.w3.org/2000/svg";

/** An element of the page. Text is only ever set as text, so that no name is taken for markup. */
function make(tag, given = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) found.addEventListener(name.slice(2), value);
    else if (value === true) found.setAttribute(name, "");
    else if (value !== false && value != null) found.setAttribute(name, value);
  }
  found.append(...children);
  return found;
}

/** An element of a drawing. */
function draw(tag, given = {}, ...children) {
  const found = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) found.addEventListener(name.slice(2), value);
    else if (value != null) found.setAttribute(name, value);
  }
  found.append(...children);
  return found;
}

/** A text with its {fields} filled in. */
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

const total = (counts) => counts.reduce((sum, count) => sum + count, 0);

/** A bar whose parts are the shares of the classes. */
function classBar(counts, kind = "crm-bar") {
  const all = total(counts) || 1;
  const bar = make("span", { class: kind, "aria-hidden": "true" });
  counts.forEach((count, place) => {
    if (!count) return;
    const part = make("span", { class: `crm-class-${place}` });
    part.style.width = `${(100 * count) / all}%`;
    bar.append(part);
  });
  return bar;
}

/** Colours of the classes, of growing lightness so that they can be told apart in grey, on light and dark. */
function classColours(count) {
  if (count === 2) return [["#1f5a91", "#5c9bd6"], ["#e8a33d", "#f7cf7f"]];
  const light = ["#2d2a6e", "#1f5a91", "#2f8a96", "#7ab972", "#ecd25a"];
  const dark = ["#5a52b8", "#4a8ccc", "#56bcc4", "#9fd891", "#fdf4c4"];
  const between = (stops, share) => {
    const at = share * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2);
    const part = (stop, place) => parseInt(stop.slice(1 + 2 * place, 3 + 2 * place), 16);
    return "#" + [0, 1, 2].map((place) => {
      const [from, to] = [part(stops[low], place), part(stops[low + 1], place)];
      return Math.round(from + (at - low) * (to - from)).toString(16).padStart(2, "0");
    }).join("");
  };
  return Array.from({ length: count }, (_, place) => {
    const share = count > 1 ? place / (count - 1) : 0;
    return [between(light, share), between(dark, share)];
  });
}

const BOX = { width: 172, height: 58, gapX: 34, gapY: 10, edge: 6 };

/** Where each node stands: its level across, its leaves below each other. */
function placed(nodes) {
  const places = new Map(), children = new Map();
  for (const node of nodes) {
    const above = node.key.slice(0, Math.max(node.key.lastIndexOf("."), 0));
    children.set(node.key, []);
    if (above) children.get(above).push(node.key);
  }
  let row = 0;
  const put = (key, level) => {
    const below = children.get(key).map((child) => put(child, level + 1));
    const at = below.length ? (below[0] + below[below.length - 1]) / 2 : row++;
    places.set(key, { level, row: at });
    return at;
  };
  put("1", 0);
  return { places, children, rows: row, levels: Math.max(...[...places.values()].map((one) => one.level)) + 1 };
}

/** The tree: draws the state, and says which node is chosen. */
class TreeDrawing {
  constructor(words, choose) {
    this.words = words;
    this.choose = choose;
    this.tree = make("div", { class: "crm-tree-nodes", role: "tree", "aria-label": words.tree });
    this.tree.addEventListener("keydown", (event) => this.key(event));
    this.element = make("div", { class: "crm-tree-frame" }, this.tree);
  }

  show(state, chosen) {
    const hadFocus = this.tree.contains(document.activeElement);
    const { places, children, rows, levels } = placed(state.nodes);
    this.children = children;
    this.order = state.nodes.map((node) => node.key);
    const stepX = BOX.width + BOX.gapX, stepY = BOX.height + BOX.gapY;
    const width = levels * stepX - BOX.gapX + 2 * BOX.edge, height = rows * stepY - BOX.gapY + 2 * BOX.edge;
    const left = (key) => BOX.edge + places.get(key).level * stepX;
    const top = (key) => BOX.edge + places.get(key).row * stepY;
    const mirror = (x) => (this.words.rtl ? width - x : x);
    const lines = draw("svg", { width, height, "aria-hidden": "true", class: "crm-tree-lines" });
    this.boxes = new Map();
    const boxes = [];
    for (const node of state.nodes) {
      for (const below of children.get(node.key)) {
        const [x1, y1] = [left(node.key) + BOX.width, top(node.key) + BOX.height / 2];
        const [x2, y2] = [left(below), top(below) + BOX.height / 2];
        const half = (x1 + x2) / 2;
        lines.append(draw("path", {
          d: `M${mirror(x1)} ${y1}C${mirror(half)} ${y1} ${mirror(half)} ${y2} ${mirror(x2)} ${y2}`,
        }));
      }
      const box = this.box(node, state.classes, node.key === chosen);
      box.style.insetInlineStart = `${left(node.key)}px`;
      box.style.top = `${top(node.key)}px`;
      this.boxes.set(node.key, box);
      boxes.push(box);
    }
    this.tree.style.width = `${width}px`;
    this.tree.style.height = `${height}px`;
    this.tree.replaceChildren(lines, ...boxes);
    this.chosen = chosen;
    if (hadFocus) this.boxes.get(chosen)?.focus({ preventScroll: true });
    this.reveal();
  }

  box(node, classes, chosen) {
    const { words } = this, leaf = !node.split;
    const siblings = this.children.get(node.key.slice(0, Math.max(node.key.lastIndexOf("."), 0))) || [node.key];
    const says = leaf ? filled(words.predicts, { name: classes[node.class] })
      : filled(words.splits_by, { column: node.column });
    const label = [node.label, node.name, says, `${words.rows} ${node.n}`, `${classes[node.class]} ${node.share}`,
      node.closed ? words.marked : ""].filter(Boolean).join(", ");
    const main = make("b", {}, make("bdi", {}, node.name || (leaf ? classes[node.class] : node.column)));
    if (leaf) main.prepend(make("i", { class: `crm-dot crm-class-${node.class}` }));
    return make("div", {
      class: `crm-box${leaf ? " crm-leaf" : ""}${node.closed ? " crm-closed" : ""}`, role: "treeitem", title: label,
      "aria-label": label, "aria-level": node.key.split(".").length, "aria-selected": chosen ? "true" : "false",
      "aria-expanded": leaf ? null : "true", "aria-posinset": siblings.indexOf(node.key) + 1,
      "aria-setsize": siblings.length, tabindex: chosen ? "0" : "-1", "data-key": node.key,
      onclick: () => this.choose(node.key),
    }, make("span", { class: "crm-condition" }, make("bdi", {}, node.label)),
    make("span", { class: "crm-main" }, main, make("span", { class: "crm-share" }, leaf ? node.share : "")),
    make("span", { class: "crm-foot" }, classBar(node.counts), make("span", { class: "crm-count" }, node.n)));
  }

  /** The chosen node is marked before the kernel has answered. */
  mark(key) {
    for (const [other, box] of this.boxes) {
      box.setAttribute("aria-selected", other === key ? "true" : "false");
      box.tabIndex = other === key ? 0 : -1;
    }
    this.chosen = key;
    this.reveal();
  }

  reveal() {
    const box = this.boxes.get(this.chosen), frame = this.element;
    if (!box) return;
    const [outer, inner] = [frame.getBoundingClientRect(), box.getBoundingClientRect()];
    if (inner.top < outer.top) frame.scrollTop -= outer.top - inner.top + 8;
    if (inner.bottom > outer.bottom) frame.scrollTop += inner.bottom - outer.bottom + 8;
    if (inner.left < outer.left) frame.scrollLeft -= outer.left - inner.left + 8;
    if (inner.right > outer.right) frame.scrollLeft += inner.right - outer.right + 8;
  }

  key(event) {
    const key = this.chosen, place = this.order.indexOf(key);
    const above = key.slice(0, Math.max(key.lastIndexOf("."), 0));
    const [inwards, outwards] = this.words.rtl ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
    const to = { ArrowDown: this.order[place + 1], ArrowUp: this.order[place - 1], Home: this.order[0],
      End: this.order[this.order.length - 1], [inwards]: this.children.get(key)?.[0], [outwards]: above }[event.key];
    if (!["ArrowDown", "ArrowUp", "Home", "End", "ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    if (!to) return;
    this.choose(to);
    this.boxes.get(to)?.focus({ preventScroll: true });
  }
}
