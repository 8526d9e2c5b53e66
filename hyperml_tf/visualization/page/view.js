// The camera, and how it is moved by mouse, fingers and keys. The disk stays in the middle of the stage, and is moved by motions.

const CLOSEST = 40, FARTHEST_AWAY = 0.6;
// As close as travelling to an item comes by itself.
const CLOSE = 6;
const TRAVEL = 750;
const FRAME = 28;

class View {
  constructor(stage, catalogue, points, marks) {
    Object.assign(this, { stage, catalogue, points, marks });
    this.motion = new Motion(catalogue.bend);
    this.zoom = 1;
    this.chosen = null;
    this.colours = {};
    this.budget = catalogue.n;
    this.moving = 0;
    this.pointers = new Map();
    this.travel = null;
    // Called with an item or -1, and where.
    this.onHover = this.onClick = this.onDoubleClick = () => {};
    this.reach = catalogue.distances.reduce((most, distance) => Math.max(most, distance), 0);
    this.listen();
    new ResizeObserver(() => this.resize()).observe(stage);
    this.resize();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    const size = [Math.max(1, Math.round(width * this.ratio)), Math.max(1, Math.round(height * this.ratio))];
    this.points.resize(...size);
    this.marks.resize(...size);
    this.draw();
  }

  get camera() {
    const { width, height } = this.points.canvas;
    const scale = 0.47 * Math.min(width, height) * this.zoom;
    return { motion: this.motion, cx: width / 2, cy: height / 2, scale, zoom: this.zoom, ratio: this.ratio };
  }

  // Draws at the next frame. While the disk moves, as many items as there is time for, the most popular ones first.
  draw(moving = false) {
    if (moving) this.moving = performance.now();
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      const start = performance.now(), moves = start - this.moving < 120;
      const most = moves ? this.budget : this.catalogue.n;
      this.points.draw(this.camera, most);
      Object.assign(this.stage.dataset, { drawn: most, zoom: this.zoom.toFixed(2) });
      this.marks.draw(this.camera, this.chosen, this.colours);
      this.keepPace(performance.now() - start, moves);
    });
  }

  keepPace(spent, moves) {
    if (!moves) return;
    if (spent > FRAME) this.budget = Math.max(3000, Math.floor((this.budget * FRAME * 0.8) / spent));
    else if (spent < FRAME / 2) this.budget = Math.min(this.catalogue.n, Math.ceil(this.budget * 1.15));
    clearTimeout(this.rest);
    if (this.budget < this.catalogue.n) this.rest = setTimeout(() => this.draw(), 150);
  }

  // From a place on the stage in CSS pixels to the disk.
  onDisk(x, y) {
    const { cx, cy, scale } = this.camera;
    return [(x * this.ratio - cx) / scale, -(y * this.ratio - cy) / scale];
  }

  inside([x, y]) {
    const radius = Math.hypot(x, y);
    return !this.catalogue.bend || radius < 0.97 ? [x, y] : [(x * 0.97) / radius, (y * 0.97) / radius];
  }

  moveBy(p, q) {
    const next = Motion.between(this.catalogue.bend, this.inside(p), this.inside(q)).after(this.motion);
    // Nobody wants to get lost beyond the farthest item.
    const away = Math.hypot(...next.apply([0, 0])), limit = this.catalogue.radius(this.reach);
    const before = Math.hypot(...this.motion.apply([0, 0]));
    if (away > Math.max(limit, 0.9) && away > before) return;
    this.motion = next;
    this.draw(true);
  }

  // Closer to a place of the disk, which stays where it is on the stage.
  closer(factor, p = [0, 0]) {
    const zoom = Math.min(Math.max(this.zoom * factor, FARTHEST_AWAY), CLOSEST);
    const from = this.inside(p), to = [(from[0] * this.zoom) / zoom, (from[1] * this.zoom) / zoom];
    this.zoom = zoom;
    if (Math.hypot(...to) < 0.97 || !this.catalogue.bend) this.moveBy(from, to);
    this.draw(true);
  }

  // Moves to a place of the plane along a straight line, and so close that items around it fill the stage.
  travelTo(place, items) {
    const { bend } = this.catalogue, start = this.motion, before = this.zoom, there = start.apply(place);
    const toOrigin = Motion.to(bend, [-place[0], -place[1]]);
    const widest = items.reduce((most, item) => Math.max(most, Math.hypot(...toOrigin.apply(this.catalogue.place(item)))), 0);
    const zoom = Math.min(Math.max(0.8 / Math.max(widest, 1e-6), 1), Math.max(before, CLOSE));
    this.animate((share) => {
      const left = partOfWay(bend, there, share);
      this.motion = Motion.to(bend, [-left[0], -left[1]]).after(start);
      this.zoom = Math.exp(Math.log(before) * (1 - share) + Math.log(zoom) * share);
    });
  }

  home() {
    const { bend } = this.catalogue, { motion, zoom } = this, away = motion.apply([0, 0]), { turn } = motion;
    this.animate((share) => {
      const left = partOfWay(bend, away, 1 - share);
      this.motion = Motion.to(bend, left).after(rotation(bend, turn * (1 - share)));
      this.zoom = Math.exp(Math.log(zoom) * (1 - share));
    });
  }

  animate(step) {
    cancelAnimationFrame(this.travel);
    const start = performance.now();
    const duration = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : TRAVEL;
    const next = (now) => {
      const share = duration ? Math.min(Math.max((now - start) / duration, 0), 1) : 1;
      step(share * share * (3 - 2 * share));
      this.draw(true);
      this.travel = share < 1 ? requestAnimationFrame(next) : null;
    };
    this.travel = requestAnimationFrame(next);
  }

  stop() {
    cancelAnimationFrame(this.travel);
    this.travel = null;
  }

  place(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  itemAt([x, y], touch) {
    return this.points.at(x * this.ratio, y * this.ratio, (touch ? 16 : 7) * this.ratio);
  }

  listen() {
    const { stage } = this;
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => this.up(event));
    stage.addEventListener("pointerleave", () => this.onHover(-1));
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.stop();
      const lines = event.deltaMode === 1 ? 16 : 1;
      this.closer(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * 0.0018), this.onDisk(...this.place(event)));
    }, { passive: false });
    stage.addEventListener("dblclick", (event) => {
      if (event.target.closest("#tools")) return;
      const place = this.place(event), item = this.itemAt(place);
      if (item >= 0) this.onDoubleClick(item);
      else this.toward(this.inside(this.onDisk(...place)));
    });
  }

  // Brings what is at a place of the disk to the middle.
  toward(p) {
    const { bend } = this.catalogue, start = this.motion;
    this.animate((share) => {
      const left = partOfWay(bend, p, share);
      this.motion = Motion.to(bend, [-left[0], -left[1]]).after(start);
    });
  }

  down(event) {
    if (event.target.closest("#tools") || event.button > 0) return;
    this.stop();
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.place(event));
    this.dragged = this.pointers.size > 1 ? Infinity : 0;
    this.onHover(-1);
  }

  move(event) {
    const place = this.place(event), before = this.pointers.get(event.pointerId);
    if (!before) {
      if (!event.target.closest("#tools")) this.onHover(this.itemAt(place), place);
      return;
    }
    const others = [...this.pointers.entries()].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    this.dragged += Math.hypot(place[0] - before[0], place[1] - before[1]);
    if (this.dragged < 4) return;
    this.stage.classList.add("dragging");
    this.pointers.set(event.pointerId, place);
    if (!others.length) {
      this.moveBy(this.onDisk(...before), this.onDisk(...place));
      return;
    }
    const [ox, oy] = others[0], middle = ([x, y]) => [(x + ox) / 2, (y + oy) / 2];
    this.moveBy(this.onDisk(...middle(before)), this.onDisk(...middle(place)));
    const apart = ([x, y]) => Math.max(Math.hypot(x - ox, y - oy), 1);
    this.closer(apart(place) / apart(before), this.onDisk(...middle(place)));
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    this.stage.classList.remove("dragging");
    if (event.type === "pointerup" && this.dragged < 4) {
      const item = this.itemAt(this.place(event), event.pointerType === "touch");
      this.onClick(item);
    }
  }
}
