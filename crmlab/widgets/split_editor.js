// The split of one column: numbers with cuts on an axis, or names in groups; and small pictures of columns.

const CHART = { height: 168, top: 22, foot: 22, strip: 22, side: 14, gone: 72, near: 5 };

/** Bars of classes stacked on each other, as one path for each class. */
function stackedBars(picture, x, width, base, height, gap) {
  const classes = picture.counts[0].length, paths = Array.from({ length: classes }, () => "");
  // The last bar may stand for fewer bins than the others, and is drawn as high as if it did not.
  const part = (bar) => (bar === picture.counts.length - 1 ? picture.last ?? 1 : 1);
  const highest = Math.max(1, ...picture.counts.map((counts, bar) => total(counts) / part(bar)));
  picture.counts.forEach((counts, bar) => {
    const scale = height / highest / part(bar);
    let y = base;
    const [from, wide] = [x(bar), Math.max(width(bar) - gap, 0.6)];
    counts.forEach((count, place) => {
      if (!count) return;
      const tall = count * scale;
      y -= tall;
      paths[place] += `M${from.toFixed(1)} ${y.toFixed(2)}h${wide.toFixed(1)}v${tall.toFixed(2)}h-${wide.toFixed(1)}z`;
    });
  });
  return paths.map((d, place) => draw("path", { d, class: `crm-class-${place}` }));
}

/** A column at a glance. */
function thumbnail(picture) {
  const [width, height] = [150, 34], count = Math.max(picture.counts.length, 1);
  const step = Math.min(width / count, 16);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "crm-thumb", "aria-hidden": "true",
    preserveAspectRatio: "none" });
  svg.append(...stackedBars(picture, (bar) => bar * step, () => step, height, height, step > 4 ? 1 : 0));
  return svg;
}

/** The shortest number within a distance of another: what a person would have typed. */
function shortNumber(value, reach) {
  for (let digits = 1; digits <= 15; digits++) {
    const found = Number(value.toPrecision(digits));
    if (Math.abs(found - value) <= reach) return found;
  }
  return value;
}

/** Cuts on an axis. The axis gives each bar the same width, so that crowded values can be told apart. */
class CutEditor {
  constructor(page, picture, cuts, missing) {
    Object.assign(this, { page, picture, cuts: [...cuts], missing });
    this.name = page.shownOf(picture.name);
    this.element = make("div", { class: "crm-cuts" });
    this.svg = draw("svg", { class: "crm-chart", role: "group", "aria-label": this.name });
    this.hint = make("p", { class: "crm-hint" }, page.words.numbers_hint);
    this.list = make("div", { class: "crm-points" });
    this.element.append(this.svg, this.list, this.hint);
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
  }

  get ready() { return this.cuts.length > 0; }
  get plain() { return { column: this.picture.name, cuts: this.cuts, missing: this.way() }; }

  /** The branch of missing values; its own one is that behind the last interval. */
  way() {
    if (this.missing === "own") return this.cuts.length + 1;
    return this.missing === null ? null : Math.min(this.missing, this.cuts.length);
  }

  take(cuts, missing) {
    this.cuts = [...cuts];
    this.missing = missing;
    this.show();
  }

  measure() {
    this.width = Math.max(this.page.editorWidth(), 260);
    this.missingWidth = total(this.picture.missing) ? CHART.gone : 0;
    this.span = this.width - 2 * CHART.side - this.missingWidth;
    this.step = this.span / this.picture.bars;
  }

  x(value) {
    const edges = this.picture.edges, last = edges.length - 1;
    if (value <= edges[0]) return CHART.side;
    if (value >= edges[last]) return CHART.side + this.span;
    let low = 0, high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (edges[middle] <= value) low = middle; else high = middle;
    }
    const wide = edges[high] - edges[low];
    return CHART.side + (low + (wide > 0 ? (value - edges[low]) / wide : 0)) * this.step;
  }

  /** The value at a place: an edge that is near, else the shortest number within a pixel or two. */
  value(x) {
    const edges = this.picture.edges, at = Math.min(Math.max((x - CHART.side) / this.step, 0), this.picture.bars);
    const near = Math.round(at);
    if (Math.abs(near - at) * this.step <= CHART.near && near > 0 && near < this.picture.bars) return edges[near];
    const bar = Math.min(Math.floor(at), this.picture.bars - 1), wide = edges[bar + 1] - edges[bar];
    return shortNumber(edges[bar] + (at - bar) * wide, (2 / this.step) * wide);
  }

  /** About how many rows of each class lie between two values, by the bars between them. */
  between(low, high) {
    const [from, to] = [(this.x(low) - CHART.side) / this.step, (this.x(high) - CHART.side) / this.step];
    const found = this.picture.missing.map(() => 0);
    this.picture.counts.forEach((counts, bar) => {
      const part = Math.min(to, bar + 1) - Math.max(from, bar);
      if (part > 0) counts.forEach((count, place) => { found[place] += part * count; });
    });
    return found;
  }

  show() {
    this.measure();
    const { picture, page } = this, base = CHART.top + CHART.height, [first, last] = [picture.edges[0], picture.edges[picture.bars]];
    const height = base + CHART.foot + CHART.strip;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    this.svg.setAttribute("width", this.width);
    this.svg.setAttribute("height", height);
    const parts = stackedBars(picture, (bar) => CHART.side + bar * this.step, () => this.step, base, CHART.height,
      this.step > 5 ? 1 : 0);
    if (this.missingWidth) {
      const gone = { counts: [picture.missing] }, x = CHART.side + this.span + 32;
      const share = total(picture.missing) / Math.max(1, ...picture.counts.map(total), total(picture.missing));
      parts.push(...stackedBars(gone, () => x, () => 26, base, Math.max(share * CHART.height, 2), 0));
      parts.push(draw("text", { x: x + 13, y: base + 15, class: "crm-tick" }, page.words.missing));
    }
    parts.push(draw("path", { class: "crm-axis", d: `M${CHART.side} ${base + 0.5}h${this.span}` }));
    parts.push(...this.ticks(base));
    this.marks = draw("g");
    this.svg.replaceChildren(...parts, this.marks);
    this.showCuts(first, last);
  }

  ticks(base) {
    const { picture, page } = this, count = Math.min(picture.bars, Math.max(2, Math.floor(this.span / 78)));
    const found = [];
    let end = -Infinity;
    for (let place = 0; place <= count; place++) {
      const bar = Math.round((place * picture.bars) / count), x = CHART.side + bar * this.step;
      const text = page.number(picture.edges[bar], 4), wide = 7 * text.length + 8;
      if (x - wide / 2 < end && place < count) continue;
      end = x + wide / 2;
      const anchor = place === 0 ? "start" : place === count ? "end" : "middle";
      found.push(draw("text", { x: place === 0 ? 2 : place === count ? x + 8 : x, y: base + 15, class: "crm-tick",
        "text-anchor": anchor }, text));
    }
    return found;
  }

  /** Cuts, and the strip of what they part; all else stays as it is while a cut is dragged. */
  showCuts() {
    const { picture, page, cuts } = this, base = CHART.top + CHART.height, found = [];
    const [first, last] = [picture.edges[0], picture.edges[picture.bars]];
    const ends = [first, ...cuts, last];
    if (cuts.length) {
      ends.slice(1).forEach((high, branch) => {
        const counts = this.between(ends[branch], high), all = total(counts) || 1;
        const [from, to] = [this.x(ends[branch]), this.x(high)], wide = Math.max(to - from - 2, 0);
        let x = from + 1;
        counts.forEach((count, place) => {
          const part = (wide * count) / all;
          if (part > 0) found.push(draw("rect", { x, y: base + CHART.foot, width: part, height: CHART.strip - 8,
            class: `crm-class-${place}` }));
          x += part;
        });
      });
    }
    cuts.forEach((cut, place) => {
      const x = this.x(cut), text = page.number(cut, 6);
      const keep = Math.min(Math.max(x, 3.6 * text.length + 6), this.width - 3.6 * text.length - 6);
      const mark = draw("g", {
        class: "crm-cut", role: "slider", tabindex: "0", "data-cut": place,
        "aria-label": filled(page.words.cut, { n: page.number(place + 1), column: this.name }),
        "aria-valuemin": first, "aria-valuemax": last, "aria-valuenow": cut, "aria-valuetext": text,
        onkeydown: (event) => this.key(event, place), ondblclick: (event) => { event.stopPropagation(); this.remove(place); },
      },
      draw("path", { d: `M${x} ${CHART.top - 4}V${base + 3}M${x} ${base + CHART.foot - 4}v${CHART.strip}` }),
      draw("rect", { x: x - 7, y: CHART.top - 4, width: 14, height: CHART.height + CHART.foot + CHART.strip, class: "crm-grip" }),
      draw("circle", { cx: x, cy: CHART.top - 4, r: 5 }),
      draw("text", { x: keep, y: 10, "text-anchor": "middle" }, text));
      found.push(mark);
    });
    this.marks.replaceChildren(...found);
    this.showPoints();
  }

  /** The cuts as numbers that can be typed. */
  showPoints() {
    const { page } = this;
    if (this.list.contains(document.activeElement)) return;
    this.list.replaceChildren(...this.cuts.map((cut, place) => make("span", { class: "crm-point" },
      make("input", { type: "number", step: "any", value: cut, dir: "ltr",
        "aria-label": filled(page.words.cut, { n: page.number(place + 1), column: this.name }),
        onchange: (event) => {
          const value = Number(event.target.value);
          event.target.blur();
          if (event.target.value !== "" && Number.isFinite(value)) this.move(place, value); else this.showPoints();
        } }),
      make("button", { type: "button", class: "crm-remove", title: filled(page.words.remove, { value: page.number(cut, 6) }),
        "aria-label": filled(page.words.remove, { value: page.number(cut, 6) }), onclick: () => this.remove(place) }, "×"))));
  }

  place(event) {
    const box = this.svg.getBoundingClientRect();
    const scale = this.width / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale, height: box.height * scale };
  }

  press(event) {
    if (event.button !== 0) return;
    const mark = event.target.closest("[data-cut]"), at = this.place(event);
    let place = mark ? Number(mark.dataset.cut) : null;
    if (place === null) {
      if (at.x < CHART.side || at.x > CHART.side + this.span) return;
      place = this.insert(this.value(at.x));
      if (place === null) return;
    }
    event.preventDefault();
    this.focus(place);
    const from = at;
    let moved = false;
    const move = (next) => {
      const now = this.place(next);
      moved ||= Math.hypot(now.x - from.x, now.y - from.y) > 3;
      if (!moved) return;
      this.off = now.y < -40 || now.y > now.height + 40;
      this.svg.classList.toggle("crm-off", this.off);
      place = this.move(place, this.value(now.x), false);
    };
    const up = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", up);
      window.removeEventListener("pointercancel", up);
      this.svg.classList.remove("crm-off");
      if (this.off) { this.off = false; this.remove(place); return; }
      this.page.edited();
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up);
    window.addEventListener("pointercancel", up);
  }

  insert(value) {
    if (this.cuts.includes(value)) return this.cuts.indexOf(value);
    if (!(value >= this.picture.edges[0] && value < this.picture.edges[this.picture.bars])) return null;
    this.cuts = [...this.cuts, value].sort((one, other) => one - other);
    this.showCuts();
    return this.cuts.indexOf(value);
  }

  /** Add a cut in the middle of the widest branch. */
  add() {
    const ends = [this.picture.edges[0], ...this.cuts, this.picture.edges[this.picture.bars]].map((end) => this.x(end));
    let widest = 0;
    for (let place = 1; place < ends.length - 1; place++) {
      if (ends[place + 1] - ends[place] > ends[widest + 1] - ends[widest]) widest = place;
    }
    const place = this.insert(this.value((ends[widest] + ends[widest + 1]) / 2));
    if (place !== null) { this.focus(place); this.page.edited(); }
  }

  move(place, value, done = true) {
    const others = this.cuts.filter((_, other) => other !== place);
    if (others.includes(value)) return place;
    this.cuts = [...others, value].sort((one, other) => one - other);
    const found = this.cuts.indexOf(value), had = this.marks.contains(document.activeElement);
    this.showCuts();
    if (had) this.focus(found);
    if (done) this.page.edited();
    return found;
  }

  remove(place) {
    this.cuts = this.cuts.filter((_, other) => other !== place);
    this.showCuts();
    if (this.cuts.length) this.focus(Math.min(place, this.cuts.length - 1)); else this.page.focusAdd();
    this.page.edited();
  }

  focus(place) { this.marks.querySelector(`[data-cut="${place}"]`)?.focus({ preventScroll: true }); }

  key(event, place) {
    if (event.key === "Delete" || event.key === "Backspace") { event.preventDefault(); this.remove(place); return; }
    const { edges, bars } = this.picture, cut = this.cuts[place];
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5 }[event.key];
    let to = null;
    if (event.key === "Home") to = edges[1];
    else if (event.key === "End") to = edges[bars - 1];
    else if (way && event.shiftKey) to = this.value(this.x(cut) + way + Math.sign(way) * (CHART.near + 1));
    else if (way) {
      const inner = Array.from(edges).slice(1, bars);
      const here = way > 0 ? inner.findIndex((edge) => edge > cut) : inner.findLastIndex((edge) => edge < cut);
      if (here >= 0) to = inner[Math.min(Math.max(here + way - Math.sign(way), 0), inner.length - 1)];
    } else return;
    event.preventDefault();
    if (to !== null && to !== undefined) this.move(place, to);
  }
}

/** Values in groups; a value is a chip that is dragged, or moved with the arrow keys. */
class GroupEditor {
  constructor(page, picture, groups, missing) {
    Object.assign(this, { page, picture, missing });
    const rest = picture.counts[picture.bars];
    this.chips = [...picture.codes.map((code, place) => ({ code, text: picture.labels[place], counts: picture.counts[place] }))];
    if (total(rest)) this.chips.push({ code: -1, text: page.words.rest, counts: rest });
    this.most = Math.max(1, ...this.chips.map((chip) => total(chip.counts)));
    this.element = make("div", { class: "crm-groups" });
    this.hint = make("p", { class: "crm-hint" }, page.words.names_hint);
    this.take(groups, missing, false);
  }

  get ready() { return this.groups.length > 1; }
  get plain() { return { column: this.picture.name, groups: this.groups, missing: this.way() }; }

  way() {
    if (this.missing === "own") return this.groups.length;
    return this.missing === null ? null : Math.min(this.missing, this.groups.length - 1);
  }

  take(groups, missing, show = true) {
    const known = new Set(this.chips.map((chip) => chip.code)), given = groups.map((group) => group.filter((code) => known.has(code)));
    const left = [...known].filter((code) => !given.flat().includes(code));
    if (left.length) given.push(left);
    this.groups = given.filter((group) => group.length);
    this.missing = missing;
    if (show) this.show();
  }

  each() {
    this.take(this.chips.map((chip) => [chip.code]), this.missing);
    this.page.edited();
  }

  show() {
    const { page } = this, counts = (group) => group.map((code) => this.chip(code).counts)
      .reduce((sum, one) => sum.map((count, place) => count + one[place]));
    const boxes = this.groups.map((group, place) => {
      const all = counts(group);
      return make("div", { class: "crm-group", role: "group", "data-group": place,
        "aria-label": filled(page.words.group, { n: page.number(place + 1) }) },
      make("div", { class: "crm-group-head" }, make("b", {}, filled(page.words.group, { n: page.number(place + 1) })), classBar(all),
        make("span", { class: "crm-count" }, page.number(total(all)))), ...group.map((code) => this.chipBox(this.chip(code))));
    });
    boxes.push(make("div", { class: "crm-group crm-new-group", "data-group": this.groups.length }, page.words.new_group));
    this.element.replaceChildren(...boxes, this.hint);
  }

  chip(code) { return this.chips.find((chip) => chip.code === code); }

  chipBox(chip) {
    const bar = classBar(chip.counts), count = this.page.number(total(chip.counts));
    bar.style.width = `${Math.max((72 * total(chip.counts)) / this.most, 3)}px`;
    return make("button", { type: "button", class: "crm-chip", "data-code": chip.code, "aria-label": `${chip.text}, ${count}`,
      title: `${chip.text}, ${count}`, onpointerdown: (event) => this.press(event, chip), onkeydown: (event) => this.key(event, chip),
    }, make("bdi", {}, chip.text), bar);
  }

  groupOf(code) { return this.groups.findIndex((group) => group.includes(code)); }

  move(code, to) {
    const from = this.groupOf(code);
    if (to === from || (to >= this.groups.length && this.groups[from].length === 1)) return;
    const groups = this.groups.map((group) => group.filter((other) => other !== code));
    if (to >= groups.length) groups.push([code]); else groups[to].push(code);
    this.groups = groups.filter((group) => group.length);
    this.show();
    this.element.querySelector(`[data-code="${code}"]`).focus({ preventScroll: true });
    this.page.edited();
  }

  key(event, chip) {
    const forth = this.page.words.rtl ? "ArrowLeft" : "ArrowRight", back = this.page.words.rtl ? "ArrowRight" : "ArrowLeft";
    const way = { [forth]: 1, ArrowDown: 1, [back]: -1, ArrowUp: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const to = this.groupOf(chip.code) + way;
    if (to >= 0) this.move(chip.code, to);
  }

  press(event, chip) {
    if (event.button !== 0) return;
    const box = event.currentTarget, [x, y] = [event.clientX, event.clientY];
    let ghost = null, over = null;
    const move = (next) => {
      if (!ghost && Math.hypot(next.clientX - x, next.clientY - y) > 4) {
        ghost = box.cloneNode(true);
        ghost.classList.add("crm-ghost");
        this.element.append(ghost);
        box.classList.add("crm-lifted");
      }
      if (!ghost) return;
      const frame = this.element.getBoundingClientRect();
      ghost.style.left = `${next.clientX - frame.left + 6}px`;
      ghost.style.top = `${next.clientY - frame.top + 6}px`;
      const under = this.element.getRootNode().elementFromPoint(next.clientX, next.clientY)?.closest("[data-group]");
      if (under !== over) { over?.classList.remove("crm-over"); under?.classList.add("crm-over"); }
      over = under && this.element.contains(under) ? under : null;
    };
    const up = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", up);
      window.removeEventListener("pointercancel", up);
      box.classList.remove("crm-lifted");
      ghost?.remove();
      over?.classList.remove("crm-over");
      if (over) this.move(chip.code, Number(over.dataset.group));
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up);
    window.addEventListener("pointercancel", up);
  }
}
