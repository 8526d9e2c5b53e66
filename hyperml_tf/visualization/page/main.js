// Puts the parts together.

class Explorer {
  constructor(data) {
    const at = (id) => document.getElementById(id);
    this.catalogue = new Catalogue(data);
    this.points = new Points(at("points"), this.catalogue);
    this.marks = new Marks(at("ground"), at("marks"), this.catalogue, this.points);
    this.legend = new Legend(this.catalogue, () => this.colour());
    this.followTheme();
    this.view = new View(at("stage"), this.catalogue, this.points, this.marks);
    this.panel = new Panel(this.catalogue, this.points, {
      item: (item) => this.chooseItem(item, true),
      centre: () => this.centre(),
      leave: () => this.leave(),
      lead: (item) => this.lead(item),
      facet: () => this.legend.facet,
    });
    this.chosen = null;
    this.describe();
    this.listen();
    this.search();
    this.setTheme(document.documentElement.dataset.theme);
  }

  describe() {
    const { catalogue } = this, flat = catalogue.bend ? `curvature ${Number(catalogue.curvature.toPrecision(3))}` : "flat";
    document.getElementById("heading").textContent = visible(catalogue.title);
    document.getElementById("summary").textContent =
      `${catalogue.n.toLocaleString("en")} items in ${catalogue.dim} dimensions, ${flat}. Larger: more popular.`;
    document.getElementById("reading").textContent = catalogue.dim > 2
      ? `Rings are distances from the origin of the space, and exact, though the scale begins at ${far(catalogue.layout.centre)}. ` +
        "Angles put neighbours side by side as well as one angle can. Lines are the straight lines of the disk."
      : "The picture is the space itself. Rings are distances from its origin, and lines are its straight lines.";
  }

  followTheme() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    document.documentElement.dataset.theme = dark.matches ? "dark" : "light";
    dark.addEventListener("change", () => this.setTheme(dark.matches ? "dark" : "light"));
  }

  setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    const style = getComputedStyle(document.documentElement);
    for (const name of ["paper", "disk", "ink", "soft", "ring", "accent", "second"]) {
      this.view.colours[name] = style.getPropertyValue(`--${name}`).trim();
    }
    this.colour();
    this.legend.show();
  }

  colour() {
    this.points.colour(this.legend.facet, this.legend.asked, PALETTES[document.documentElement.dataset.theme]);
    this.view.draw();
    this.showCard();
  }

  listen() {
    const { view } = this, on = (id, action) => document.getElementById(id).addEventListener("click", action);
    on("home", () => view.home());
    on("closer", () => view.closer(1.4));
    on("farther", () => view.closer(1 / 1.4));
    on("theme", () => this.setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
    view.onHover = (item, place) => this.hover(item, place);
    view.onClick = (item) => (item >= 0 ? this.chooseItem(item) : this.leave());
    view.onDoubleClick = (item) => this.chooseItem(item, true);
    view.stage.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.leave();
      if (event.key !== "/" || event.target.closest("input, select")) return;
      event.preventDefault();
      document.getElementById("item-search").focus();
    });
  }

  search() {
    const { catalogue } = this, at = (id) => document.getElementById(id);
    new Combobox(at("item-search"), at("item-options"), {
      count: catalogue.n,
      name: (i) => catalogue.name(catalogue.byPopularity[i]),
      note: (i) => (catalogue.label ? visible(catalogue.ids[catalogue.byPopularity[i]]) : ""),
      choose: (i) => this.chooseItem(catalogue.byPopularity[i], true),
    });
    at("user-field").hidden = !catalogue.users.length;
    new Combobox(at("user-search"), at("user-options"), {
      count: catalogue.users.length,
      name: (i) => visible(catalogue.users[i].id),
      note: (i) => `${catalogue.users[i].interactions.toLocaleString("en")} interactions`,
      choose: (i) => this.chooseUser(i),
    });
  }

  key(event) {
    if (event.target !== this.view.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 0.12 / this.view.zoom;
    const steps = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const actions = {
      "+": () => this.view.closer(1.25), "=": () => this.view.closer(1.25), "-": () => this.view.closer(0.8),
      0: () => this.view.home(), Home: () => this.view.home(), Enter: () => this.enter(), n: () => this.walk(1), p: () => this.walk(-1),
    };
    if (event.key in steps) this.view.moveBy([0, 0], steps[event.key]);
    else if (event.key in actions) actions[event.key]();
    else return;
    event.preventDefault();
  }

  // Enter brings what is chosen to the centre, or chooses what is there.
  enter() {
    if (this.chosen) return this.centre();
    const { width, height } = this.points.canvas;
    const item = this.points.at(width / 2, height / 2, Infinity);
    return item >= 0 && this.chooseItem(item, true);
  }

  // The next of the items that belong to what is chosen.
  walk(step) {
    if (!this.chosen) return;
    const items = this.chosen.lines.map(({ item }) => item), { length } = items;
    if (!length) return;
    const before = items.indexOf(this.lead_), place = before < 0 ? (step > 0 ? 0 : length - 1) : (before + step + length) % length;
    this.lead(items[place]);
    this.say(this.catalogue.name(items[place]));
  }

  chooseItem(item, travel = false) {
    const { catalogue } = this, near = catalogue.neighbours(item);
    this.chosen = {
      item, place: catalogue.place(item), reasons: [],
      lines: near.map(({ item: other }, rank) => ({ item: other, strength: 0.85 - (0.45 * rank) / Math.max(near.length, 1) })),
      marked: [...near.map(({ item: other }) => ({ item: other, kind: "near" })), { item, kind: "centre" }],
      named: [{ item, strong: true, forced: true }, ...near.map(({ item: other }) => ({ item: other }))],
    };
    this.lead_ = -1;
    this.change();
    if (travel) this.centre();
    const first = near.slice(0, 3).map(({ item: other }) => catalogue.name(other)).join(", ");
    this.say(`${catalogue.name(item)}. Nearest: ${first}`);
  }

  chooseUser(user) {
    const { catalogue } = this, about = catalogue.users[user];
    this.chosen = {
      user: true, number: user, place: catalogue.placeOfUser(user), reasons: [],
      lines: about.recommended.map((item) => ({ item, strength: 0.5 })),
      marked: [...about.history.map((item) => ({ item, kind: "history" })), ...about.recommended.map((item) => ({ item, kind: "near" }))],
      named: about.recommended.map((item) => ({ item })),
    };
    this.lead_ = -1;
    this.change();
    this.view.home();
    this.say(`User ${visible(about.id)}. Recommended: ${about.recommended.slice(0, 3).map((item) => catalogue.name(item)).join(", ")}`);
  }

  // Points at one of the items that belong to what is chosen; for a user also at the items of the history that draw to it.
  lead(item) {
    const { chosen, catalogue } = this;
    if (!chosen) return;
    this.lead_ = item;
    for (const line of chosen.lines) line.lead = line.item === item;
    const place = chosen.user ? catalogue.users[chosen.number].recommended.indexOf(item) : -1;
    chosen.reasons = place < 0 ? [] : catalogue.users[chosen.number].reasons[place].map(([from]) => ({ from, to: item }));
    const leads = item < 0 ? [] : [item, ...chosen.reasons.map(({ from }) => from)];
    const marked = [...chosen.marked, ...leads.map((one) => ({ item: one, kind: "lead" }))];
    const strong = leads.map((one) => ({ item: one, strong: true, forced: one === item }));
    this.view.chosen = { ...chosen, marked, named: [...strong, ...chosen.named.filter((one) => !leads.includes(one.item))] };
    this.view.draw();
  }

  leave() {
    if (!this.chosen) return;
    this.chosen = null;
    this.change();
    this.say("Nothing is chosen.");
  }

  change() {
    this.view.chosen = this.chosen;
    this.points.canvas.classList.toggle("faded", Boolean(this.chosen));
    this.showCard();
    this.hover(-1);
    this.view.draw();
  }

  showCard() {
    if (!this.chosen) this.panel.clear();
    else if (this.chosen.user) this.panel.showUser(this.chosen.number);
    else this.panel.showItem(this.chosen.item);
  }

  centre() {
    if (this.chosen) this.view.travelTo(this.chosen.place, this.chosen.user ? [] : this.chosen.lines.map(({ item }) => item));
  }

  hover(item, place) {
    const tip = document.getElementById("tip");
    this.view.stage.classList.toggle("pointing", item >= 0);
    tip.hidden = item < 0;
    if (item < 0) return;
    const facts = this.panel.factsOfItem(item).map(([key, value]) => element("span", { dir: "auto" }, `${key}: ${value}`));
    tip.replaceChildren(element("b", { dir: "auto" }, this.catalogue.name(item)), ...facts);
    const { clientWidth, clientHeight } = this.view.stage;
    const left = place[0] + 16 + tip.offsetWidth < clientWidth ? place[0] + 14 : Math.max(place[0] - tip.offsetWidth - 14, 4);
    const top = Math.max(4, Math.min(place[1] + 12, clientHeight - tip.offsetHeight - 4));
    tip.style.transform = `translate(${left}px, ${top}px)`;
  }

  say(text) {
    document.getElementById("status").textContent = text;
  }
}

new Explorer(JSON.parse(document.getElementById("data").textContent));
