// The geometry of the picture. Points are complex numbers [x, y].
//
// With `bend` 1 the plane is the Poincaré disk, with `bend` 0 it is flat. In both a motion that keeps distances is
//   z -> (a z + b) / (bend conj(b) z + conj(a))   with   |a|^2 - bend |b|^2 = 1.

class Motion {
  constructor(bend, ar = 1, ai = 0, br = 0, bi = 0) {
    Object.assign(this, { bend, ar, ai, br, bi });
  }

  // The translation along a straight line that moves the origin to z.
  static to(bend, [x, y]) {
    const a = 1 / Math.sqrt(1 - bend * (x * x + y * y));
    return new Motion(bend, a, 0, x * a, y * a);
  }

  // The translation along the straight line from p to q that moves p to q.
  static between(bend, p, q) {
    const step = Motion.to(bend, [-p[0], -p[1]]).apply(q);
    return Motion.to(bend, p).after(Motion.to(bend, step)).after(Motion.to(bend, [-p[0], -p[1]]));
  }

  apply([x, y]) {
    const { bend, ar, ai, br, bi } = this;
    const nr = ar * x - ai * y + br, ni = ar * y + ai * x + bi;
    const dr = bend * (br * x + bi * y) + ar, di = bend * (br * y - bi * x) - ai;
    const size = dr * dr + di * di;
    return [(nr * dr + ni * di) / size, (ni * dr - nr * di) / size];
  }

  // This motion after another one.
  after(other) {
    const { bend, ar, ai, br, bi } = this;
    const { ar: cr, ai: ci, br: er, bi: ei } = other;
    const next = [
      ar * cr - ai * ci + bend * (br * er + bi * ei), ar * ci + ai * cr + bend * (bi * er - br * ei),
      ar * er - ai * ei + br * cr + bi * ci, ar * ei + ai * er + bi * cr - br * ci,
    ];
    // Rounding errors would add up while the disk is dragged.
    const size = Math.sqrt(Math.max(next[0] ** 2 + next[1] ** 2 - bend * (next[2] ** 2 + next[3] ** 2), 1e-12));
    return new Motion(bend, ...next.map((part) => part / size));
  }

  // How far the origin is moved, and by which angle the plane is turned there.
  get turn() {
    return 2 * Math.atan2(this.ai, this.ar);
  }
}

function rotation(bend, angle) {
  return new Motion(bend, Math.cos(angle / 2), Math.sin(angle / 2));
}

// The point at a share of the way from the origin to z.
function partOfWay(bend, [x, y], share) {
  const radius = Math.hypot(x, y);
  if (radius < 1e-12) return [0, 0];
  const factor = bend ? Math.tanh(share * Math.atanh(Math.min(radius, 1 - 1e-12))) / radius : share;
  return [x * factor, y * factor];
}

// Points along the straight line from p to q.
function geodesic(bend, p, q, pieces = 32) {
  const there = Motion.to(bend, p);
  const way = Motion.to(bend, [-p[0], -p[1]]).apply(q);
  return Array.from({ length: pieces + 1 }, (_, i) => there.apply(partOfWay(bend, way, i / pieces)));
}

// The circle around z whose points are as far from z as those at `radius` are from the origin: [x, y, radius] as it is drawn.
function circleAround(bend, [x, y], radius) {
  const m = bend * (x * x + y * y), r = radius * radius;
  return [(x * (1 - bend * r)) / (1 - m * r), (y * (1 - bend * r)) / (1 - m * r), (radius * (1 - m)) / (1 - m * r)];
}
