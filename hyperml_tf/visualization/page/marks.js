// What is drawn below the items, the disk and its rings, and above them: names, lines, and what is chosen.

// Names per million square CSS pixels of the stage, at least and at most.
const LABELS = 46, FEWEST = 9, MOST = 46;
const CANDIDATES = 20000;
// Room around a name, in CSS pixels, so that names are spread over the disk.
const ROOM = [16, 9];

class Marks {
  constructor(ground, marks, catalogue, points) {
    this.ground = ground.getContext("2d");
    this.marks = marks.getContext("2d");
    Object.assign(this, { catalogue, points });
    this.rings = roundDistances(catalogue);
    this.widths = new Map();
  }

  resize(width, height) {
    for (const { canvas } of [this.ground, this.marks]) [canvas.width, canvas.height] = [width, height];
  }

  draw(camera, chosen, colours) {
    this.drawGround(camera, colours);
    this.marks.clearRect(0, 0, this.marks.canvas.width, this.marks.canvas.height);
    const boxes = [];
    this.drawRingNames(camera, colours, boxes);
    if (chosen) this.drawChosen(camera, chosen, colours, boxes);
    this.drawNames(camera, chosen, colours, boxes);
  }

  drawGround({ motion, cx, cy, scale, ratio }, colours) {
    const { ground, catalogue } = this;
    ground.fillStyle = catalogue.bend ? colours.paper : colours.disk;
    ground.fillRect(0, 0, ground.canvas.width, ground.canvas.height);
    if (catalogue.bend) {
      circle(ground, cx, cy, scale);
      ground.fillStyle = colours.disk;
      ground.fill();
    }
    const origin = motion.apply([0, 0]);
    ground.strokeStyle = colours.ring;
    ground.lineWidth = ratio;
    for (const distance of this.rings) {
      const [x, y, radius] = circleAround(catalogue.bend, origin, catalogue.radius(distance));
      circle(ground, cx + scale * x, cy - scale * y, scale * radius);
      ground.stroke();
    }
    circle(ground, cx + scale * origin[0], cy - scale * origin[1], 2 * ratio);
    ground.fillStyle = colours.soft;
    ground.fill();
    if (catalogue.bend) {
      circle(ground, cx, cy, scale);
      ground.strokeStyle = colours.soft;
      ground.lineWidth = 1.3 * ratio;
      ground.stroke();
    }
  }

  // Distances, on the ray of the rings that goes up before the disk is moved.
  drawRingNames(camera, colours, boxes) {
    const { marks, catalogue } = this;
    const { motion, ratio } = camera;
    this.font(10.5 * ratio);
    for (const distance of this.rings) {
      const [x, y] = onScreen(camera, motion.apply([0, catalogue.radius(distance)]));
      const text = String(distance), width = marks.measureText(text).width;
      const box = [x - width / 2 - 3 * ratio, y - 7 * ratio, x + width / 2 + 3 * ratio, y + 7 * ratio];
      if (boxes.some((other) => overlap(box, other))) continue;
      boxes.push(box);
      this.write(text, x - width / 2, y + 3.5 * ratio, colours.soft, colours.disk, ratio);
    }
  }

  drawChosen(camera, chosen, colours, boxes) {
    const { catalogue } = this;
    const { motion, ratio } = camera;
    const from = motion.apply(chosen.place);
    for (const { item, strength, lead } of chosen.lines) {
      const line = geodesic(catalogue.bend, from, motion.apply(catalogue.place(item))).map((z) => onScreen(camera, z));
      this.line(line, lead ? colours.accent : colours.second, (lead ? 2.4 : 1.5) * ratio, lead ? 1 : strength);
    }
    for (const { from: item, to } of chosen.reasons) {
      const ends = [item, to].map((end) => motion.apply(catalogue.place(end)));
      const line = geodesic(catalogue.bend, ...ends).map((z) => onScreen(camera, z));
      this.line(line, colours.accent, 1.8 * ratio, 0.9, [5 * ratio, 4 * ratio]);
    }
    for (const { item, kind } of chosen.marked) {
      const [x, y, radius] = this.mark(camera, item, kind, colours);
      if (kind !== "history") boxes.push([x - radius, y - radius, x + radius, y + radius]);
    }
    if (chosen.user) this.diamond(...onScreen(camera, from), 8 * ratio, colours.accent, colours.disk, ratio);
    // The name of what is chosen is on one side of it, and those of the others on the side away from it.
    const across = (item) => motion.apply(catalogue.place(item))[0] - from[0];
    const crowded = chosen.lines.reduce((sum, { item }) => sum + across(item), 0) > 0;
    for (const { item, strong, forced } of chosen.named) {
      this.name(camera, item, colours, boxes, { strong, forced, left: item === chosen.item ? crowded : across(item) < 0 });
    }
  }

  mark(camera, item, kind, colours) {
    const { marks, catalogue } = this;
    const { ratio } = camera;
    const [x, y] = onScreen(camera, camera.motion.apply(catalogue.place(item)));
    const radius = Math.max(this.points.sr[item], 3 * ratio);
    if (kind !== "history") {
      // The points below are faded while something is chosen: those that belong to it are not.
      circle(marks, x, y, radius);
      marks.fillStyle = unpacked(this.points.plain[item]);
      marks.fill();
    }
    const [colour, wide, away] = {
      centre: [colours.accent, 2.6, 3], near: [colours.second, 1.6, 1.5], history: [colours.soft, 1.6, 0.5], lead: [colours.accent, 2.6, 2.5],
    }[kind];
    circle(marks, x, y, radius + away * ratio);
    marks.strokeStyle = colour;
    marks.lineWidth = wide * ratio;
    marks.stroke();
    return [x, y, radius];
  }

  // Names of the most popular items that are in view, where there is room.
  drawNames(camera, chosen, colours, boxes) {
    const { catalogue, points } = this;
    const { width, height } = this.marks.canvas;
    if (chosen) return;
    const room = ROOM.map((pixels) => pixels * camera.ratio);
    const labels = Math.min(Math.max((LABELS * width * height) / (1e6 * camera.ratio ** 2), FEWEST), MOST);
    let tried = 0, written = 0;
    for (const item of points.order) {
      if (!points.shown[item] || written >= labels || tried++ === CANDIDATES) break;
      const x = points.sx[item], y = points.sy[item];
      if (!points.sr[item] || x < 0 || y < 0 || x > width || y > height) continue;
      const far = Math.hypot(x - camera.cx, y - camera.cy) / camera.scale;
      if (catalogue.bend && far > 0.93) continue;
      if (this.name(camera, item, colours, boxes, { room })) written++;
    }
  }

  // Writes the name of an item beside it where there is room, or anyway if it is forced; returns whether it did.
  name(camera, item, colours, boxes, { strong = false, forced = false, left = false, room = [0, 0] }) {
    const { marks, catalogue } = this;
    const { ratio } = camera;
    this.font((strong ? 14 : 11.5) * ratio, strong);
    const text = shortened(catalogue.name(item), strong ? 48 : 28);
    const key = `${strong} ${ratio} ${text}`;
    if (!this.widths.has(key)) this.widths.set(key, marks.measureText(text).width);
    const width = this.widths.get(key), size = (strong ? 15 : 12) * ratio;
    const [x, y] = onScreen(camera, camera.motion.apply(catalogue.place(item)));
    const beside = Math.max(this.points.sr[item], 3 * ratio) + 4 * ratio;
    const sides = [[x + beside, y], [x - beside - width, y]];
    const places = [...(left ? sides.reverse() : sides), [x - width / 2, y - beside - size * 0.4], [x - width / 2, y + beside + size * 0.6]];
    for (const [start, middle] of places) {
      const box = [start, middle - size * 0.7, start + width, middle + size * 0.5];
      const off = start < 0 || start + width > marks.canvas.width;
      if (!forced && (off || boxes.some((other) => overlap(box, other)))) continue;
      boxes.push([box[0] - room[0], box[1] - room[1], box[2] + room[0], box[3] + room[1]]);
      this.write(text, start, middle + size * 0.32, colours.ink, colours.disk, ratio);
      return true;
    }
    return false;
  }

  font(size, strong) {
    this.marks.font = `${strong ? 600 : 400} ${size}px system-ui, sans-serif`;
  }

  write(text, x, y, colour, halo, ratio) {
    const { marks } = this;
    marks.lineJoin = "round";
    marks.lineWidth = 3 * ratio;
    marks.strokeStyle = halo;
    marks.strokeText(text, x, y);
    marks.fillStyle = colour;
    marks.fillText(text, x, y);
  }

  line(places, colour, width, alpha, dashes = []) {
    const { marks } = this;
    marks.beginPath();
    for (const [x, y] of places) marks.lineTo(x, y);
    Object.assign(marks, { strokeStyle: colour, lineWidth: width, globalAlpha: alpha });
    marks.setLineDash(dashes);
    marks.stroke();
    marks.setLineDash([]);
    marks.globalAlpha = 1;
  }

  diamond(x, y, radius, colour, halo, ratio) {
    const { marks } = this;
    marks.beginPath();
    for (const [dx, dy] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) marks.lineTo(x + radius * dx, y + radius * dy);
    marks.closePath();
    marks.fillStyle = colour;
    marks.fill();
    marks.strokeStyle = halo;
    marks.lineWidth = 2 * ratio;
    marks.stroke();
  }
}

function onScreen({ cx, cy, scale }, [x, y]) {
  return [cx + scale * x, cy - scale * y];
}

function circle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, Math.max(radius, 0), 0, 2 * Math.PI);
}

function overlap([left, top, right, bottom], [otherLeft, otherTop, otherRight, otherBottom]) {
  return left < otherRight && otherLeft < right && top < otherBottom && otherTop < bottom;
}

function unpacked(ink) {
  return `rgb(${ink & 255} ${(ink >>> 8) & 255} ${(ink >>> 16) & 255})`;
}

function shortened(text, longest) {
  const letters = [...text];
  return letters.length <= longest ? text : letters.slice(0, longest - 1).join("") + "…";
}

// Up to six round distances whose rings are neither too close to each other nor to the edge.
function roundDistances(catalogue) {
  const ordered = Float32Array.from(catalogue.distances).sort();
  const first = catalogue.layout.centre, last = ordered.length ? ordered[ordered.length - 1] : 0;
  const most = catalogue.bend ? first + FARTHEST / catalogue.layout.scale : last;
  const span = Math.min(last, most) - first;
  if (!(span > 0)) return [];
  const unit = 10 ** Math.floor(Math.log10(span));
  const step = unit * [0.1, 0.2, 0.5, 1, 2].find((part) => span / (unit * part) <= 9);
  const rings = [];
  let before = 0;
  for (let count = Math.floor(first / step) + 1; count * step <= first + span; count++) {
    const distance = Number((count * step).toPrecision(6)), radius = catalogue.radius(distance);
    if (radius - before > 0.06 && 1 - radius > 0.03) {
      rings.push(distance);
      before = radius;
    }
  }
  return rings;
}
