// What is known of the item or the user that is chosen.

class Panel {
  // `actions`: `item` chooses an item, `centre` brings the chosen to the centre, `leave` lets go of it, `lead` points at an item.
  constructor(catalogue, points, actions) {
    Object.assign(this, { catalogue, points, actions });
    this.card = document.getElementById("card");
  }

  clear() {
    this.card.hidden = true;
    this.card.replaceChildren();
  }

  showItem(item) {
    const { catalogue } = this;
    this.fill(catalogue.name(item), this.factsOfItem(item));
    this.heading(`Nearest in the learned space`);
    const near = catalogue.neighbours(item).map(({ item: other, distance }) => this.row(other, far(distance), this.note(other)));
    this.list(near);
    const shape = catalogue.dim > 2 ? `their distances in ${catalogue.dim} dimensions, not on the picture` : "with their distances";
    this.say(`The answer of the model, similar_items: ${shape}.`);
  }

  showUser(user) {
    const { catalogue } = this, about = catalogue.users[user];
    const facts = [["interactions", about.interactions.toLocaleString("en")], ["from the origin", far(about.distance)]];
    this.fill(`User ${visible(about.id)}`, facts);
    this.heading("Recommended");
    this.list(about.recommended.map((item, place) => {
      const reasons = about.reasons[place].map(([other, share]) => `${catalogue.name(other)} ${Math.round(100 * share)}%`);
      return this.row(item, far(about.distances[place]), reasons.length ? `because of ${reasons.join(" · ")}` : "");
    }));
    this.say("The answer of the model, recommend, with the distance of each item from the user, and the items of the history that " +
      "draw the user most to it, explain: how much of the pull of the whole history is theirs.");
    this.heading(about.history.length < about.interactions ? `The newest ${about.history.length} of the history` : "History, newest first");
    this.list(about.history.map((item) => this.row(item, "", this.note(item))));
  }

  // What is said of an item beside its name: the column that colours it, or else a short one.
  note(item) {
    const { columns, label } = this.catalogue, facet = this.actions.facet();
    const column = columns.find((one) => facet && one.name === facet.column) || columns.find((one) => one !== label && one.codes);
    return column ? visible(column.text(item)).replaceAll("|", " › ") : "";
  }

  factsOfItem(item) {
    const { catalogue } = this;
    const facts = catalogue.columns.filter((column) => column !== catalogue.label && column.text(item))
      .map((column) => [visible(column.name), visible(column.text(item)).replaceAll("|", " › ")]);
    facts.push(["popularity", catalogue.popularity[item].toLocaleString("en")]);
    facts.push(["from the origin", far(catalogue.distances[item])]);
    facts.push(["id", visible(catalogue.ids[item])]);
    return facts;
  }

  fill(name, facts) {
    const top = element("div", { class: "top" });
    const leave = element("button", { type: "button", "aria-label": "Let go of it", title: "Let go (Escape)" }, "×");
    leave.addEventListener("click", () => this.actions.leave());
    top.append(element("h2", { dir: "auto", class: "name" }, name), leave);
    const list = element("dl");
    for (const [key, value] of facts) list.append(element("dt", { dir: "auto" }, key), element("dd", { dir: "auto" }, value));
    const centre = element("button", { type: "button", class: "plain" }, "Bring to the centre");
    centre.addEventListener("click", () => this.actions.centre());
    this.card.replaceChildren(top, list, centre);
    this.card.hidden = false;
    this.card.scrollTop = 0;
  }

  heading(text) {
    this.card.append(element("h3", {}, text));
  }

  say(text) {
    this.card.append(element("p", { class: "note" }, text));
  }

  list(rows) {
    const list = element("ol", { class: "items" });
    list.append(...rows);
    this.card.append(list);
  }

  row(item, distance, note) {
    const button = element("button", { type: "button", "data-item": item });
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = unpacked(this.points.plain[item]);
    const name = element("span", { class: "name", dir: "auto" }, this.catalogue.name(item));
    if (note) name.append(element("small", { dir: "auto" }, note));
    button.append(swatch, name, element("span", { class: "far" }, distance));
    button.addEventListener("click", () => this.actions.item(item));
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => this.actions.lead(item));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => this.actions.lead(-1));
    const row = element("li");
    row.append(button);
    return row;
  }
}
