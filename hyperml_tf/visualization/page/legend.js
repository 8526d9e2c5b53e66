// The colours, and the filter: groups that are pressed are the ones that are asked for.

class Legend {
  constructor(catalogue, changed) {
    Object.assign(this, { catalogue, changed });
    this.asked = new Set();
    this.select = document.getElementById("facet");
    this.list = document.getElementById("groups");
    this.everything = document.getElementById("everything");
    catalogue.facets.forEach((facet, number) => this.select.append(element("option", { value: number }, visible(facet.name))));
    document.getElementById("legend").hidden = !catalogue.facets.length;
    this.select.value = String(catalogue.facet);
    this.select.addEventListener("change", () => this.showAll());
    this.everything.addEventListener("click", () => this.showAll());
  }

  get facet() {
    return this.catalogue.facets[Number(this.select.value)];
  }

  showAll() {
    this.asked = new Set();
    this.show();
    this.changed();
  }

  show() {
    if (!this.facet) return;
    const colours = coloursOf(this.facet, PALETTES[document.documentElement.dataset.theme], this.asked);
    const rows = this.facet.values.map((value, group) => {
      const button = element("button", { type: "button", "aria-pressed": String(this.asked.has(group)) });
      const swatch = element("span", { class: "swatch" });
      swatch.style.background = colours[group];
      const count = element("span", { class: "count" }, this.facet.sizes[group].toLocaleString("en"));
      button.append(swatch, element("span", { class: "name", dir: "auto" }, visible(value)), count);
      button.addEventListener("click", () => this.press(group));
      const row = element("li");
      row.append(button);
      return row;
    });
    this.list.replaceChildren(...rows);
    this.everything.hidden = !this.asked.size;
  }

  press(group) {
    if (!this.asked.delete(group)) this.asked.add(group);
    this.show();
    this.list.children[group].firstChild.focus();
    this.changed();
  }
}
