// A field to search in, with the answers below, as the ARIA pattern "combobox" has it.

const ANSWERS = 12;

class Combobox {
  // `entries` has a `name` and a `note` for each index; `choose` is called with an index.
  constructor(input, list, { count, name, note, choose }) {
    Object.assign(this, { input, list, count, nameOf: name, noteOf: note, choose });
    this.found = [];
    this.active = -1;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", input.labels[0].textContent);
    for (const [key, value] of Object.entries({
      role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list",
    })) input.setAttribute(key, value);
    input.addEventListener("input", () => this.search());
    input.addEventListener("focus", () => this.search());
    input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    input.addEventListener("keydown", (event) => this.key(event));
  }

  // Names are made comparable at the first search.
  get keys() {
    this.made ??= Array.from({ length: this.count }, (_, i) => searchable(`${this.nameOf(i)}\n${this.noteOf(i)}`));
    return this.made;
  }

  search() {
    const words = searchable(this.input.value.trim());
    this.found = words ? this.matches(words) : Array.from({ length: Math.min(ANSWERS, this.count) }, (_, i) => i);
    this.active = words && this.found.length ? 0 : -1;
    this.show();
  }

  // Names that begin with what was typed, then those with a word that does, then all that have it; each in their order.
  matches(words) {
    const ranked = [[], [], []];
    for (let i = 0; i < this.count && ranked[0].length < ANSWERS; i++) {
      const place = this.keys[i].indexOf(words);
      if (place < 0) continue;
      const rank = place === 0 ? 0 : /[\p{L}\p{N}]/u.test(this.keys[i][place - 1]) ? 2 : 1;
      if (ranked[rank].length < ANSWERS) ranked[rank].push(i);
    }
    return ranked.flat().slice(0, ANSWERS);
  }

  show() {
    const options = this.found.map((index, place) => {
      const option = element("li", { role: "option", id: `${this.list.id}-${place}` });
      option.append(element("span", { class: "name", dir: "auto" }, this.nameOf(index)));
      const note = this.noteOf(index);
      if (note) option.append(element("small", { dir: "auto" }, note));
      option.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        this.take(place);
      });
      return option;
    });
    this.list.replaceChildren(...options);
    if (!options.length) this.list.append(element("li", { class: "none", role: "presentation" }, "Nothing is called that."));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.point(this.active);
  }

  point(place) {
    this.active = place;
    [...this.list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === place)));
    if (place < 0) this.input.removeAttribute("aria-activedescendant");
    else {
      this.input.setAttribute("aria-activedescendant", `${this.list.id}-${place}`);
      this.list.children[place].scrollIntoView({ block: "nearest" });
    }
  }

  key(event) {
    const { length } = this.found;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.search();
      else if (length) this.point((this.active + (event.key === "ArrowDown" ? 1 : length + (this.active < 0 ? 0 : -1))) % length);
    } else if (event.key === "Enter" && this.active >= 0 && !this.list.hidden) {
      event.preventDefault();
      this.take(this.active);
    } else if (event.key === "Escape") {
      if (this.list.hidden && !this.input.value) return;
      event.stopPropagation();
      this.input.value = "";
      this.close();
    }
  }

  take(place) {
    const index = this.found[place];
    this.input.value = "";
    this.close();
    this.choose(index);
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

// An element with attributes and text. Text is never markup.
function element(name, attributes = {}, text = null) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}
