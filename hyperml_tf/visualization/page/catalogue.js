// The data of the page: items by their index, users by theirs.

// A point farther out could not be told from the edge.
const FARTHEST = 12;

class Catalogue {
  constructor(data) {
    Object.assign(this, { title: data.title, dim: data.dim, curvature: data.curvature, ids: data.ids, users: data.users });
    this.bend = data.layout.flat ? 0 : 1;
    this.layout = data.layout;
    this.popularity = decoded(data.popularity);
    this.distances = decoded(data.distances);
    this.angles = decoded(data.angles);
    this.n = this.ids.length;
    this.k = data.k;
    this.neighbourCodes = decoded(data.neighbours);
    this.neighbourDistances = decoded(data.neighbour_distances);
    this.columns = Object.entries(data.columns).map(([name, column]) => new Column(name, column));
    this.label = this.columns.find((column) => column.name === data.label);
    this.facets = data.facets.map((facet) => new Facet(facet));
    this.facet = data.facet;
    this.x = new Float64Array(this.n);
    this.y = new Float64Array(this.n);
    for (let i = 0; i < this.n; i++) [this.x[i], this.y[i]] = this.placed(this.distances[i], this.angles[i]);
    // The most popular first; ties by their index.
    this.byPopularity = Uint32Array.from(this.ids.keys()).sort((i, j) => this.popularity[j] - this.popularity[i] || i - j);
    this.mostPopular = this.n ? Math.max(this.popularity[this.byPopularity[0]], 1e-12) : 1;
  }

  // The radius on the disk of a distance from the origin of the space, as `DiskLayout.radius`.
  radius(distance) {
    const half = Math.min(Math.max(this.layout.scale * (distance - this.layout.centre), 0), FARTHEST) / 2;
    return this.bend ? Math.tanh(half) : half;
  }

  placed(distance, angle) {
    const radius = this.radius(distance);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }

  place(item) {
    return [this.x[item], this.y[item]];
  }

  // Users are placed as items are. Those beyond the items, where long histories are, stand at the edge.
  placeOfUser(user) {
    const { distance, angle } = this.users[user], [x, y] = this.placed(distance, angle);
    const share = Math.min(1, 0.95 / Math.max(Math.hypot(x, y), 1e-12));
    return [x * share, y * share];
  }

  name(item) {
    return (this.label && visible(this.label.text(item))) || this.ids[item];
  }

  neighbours(item) {
    const found = [];
    for (let place = item * this.k; place < (item + 1) * this.k; place++) {
      found.push({ item: this.neighbourCodes[place], distance: this.neighbourDistances[place] });
    }
    return found;
  }
}

class Column {
  constructor(name, { values, codes }) {
    this.name = name;
    this.values = values;
    this.codes = codes && decoded(codes);
  }

  text(item) {
    return this.values[this.codes ? this.codes[item] : item];
  }
}

class Facet {
  constructor({ column, name, values, ordered, counts, members }) {
    Object.assign(this, { column, name, values, ordered });
    this.offsets = offsetsOf(decoded(counts));
    this.members = decoded(members);
    this.sizes = new Uint32Array(values.length);
    for (const value of this.members) this.sizes[value]++;
  }

  // The groups of an item.
  of(item) {
    return this.members.subarray(this.offsets[item], this.offsets[item + 1]);
  }

  // The group whose colour an item has: its first one among those that are asked for; -1 if it has none of them.
  group(item, asked) {
    for (let place = this.offsets[item]; place < this.offsets[item + 1]; place++) {
      if (!asked.size || asked.has(this.members[place])) return this.members[place];
    }
    return -1;
  }
}

// Text without what cannot be seen, or would turn the text around it: control characters, and marks of direction.
function visible(text) {
  return text.replace(/[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]+/gu, " ").trim();
}

// What texts have in common when they are searched: no case, no accents.
function searchable(text) {
  return text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase();
}

function far(distance) {
  return distance.toFixed(distance < 0.1 ? 4 : distance < 10 ? 3 : 2);
}
