// All items as discs, drawn pixel by pixel: twenty thousand of them take a few milliseconds, with no graphics card.

class Points {
  constructor(canvas, catalogue) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.catalogue = catalogue;
    const { n, popularity, mostPopular } = catalogue;
    // Where every item was drawn, in pixels of the canvas, and how large; a radius of 0 if it was not.
    this.sx = new Float32Array(n);
    this.sy = new Float32Array(n);
    this.sr = new Float32Array(n);
    const crowd = Math.min(Math.max(Math.sqrt(1500 / Math.max(n, 1)), n > 50000 ? 0.45 : 0.75), 1.5);
    this.size = Float32Array.from(popularity, (weight) => crowd * (2.1 + 6.5 * Math.sqrt(weight / mostPopular)));
    this.ink = new Uint32Array(n);
    // The colours without a filter.
    this.plain = new Uint32Array(n);
    this.shown = new Uint8Array(n).fill(1);
    this.order = catalogue.byPopularity;
    this.image = null;
  }

  // Colours, and which items are asked for; the others are faint and below.
  colour(facet, asked, palette) {
    const { n, byPopularity } = this.catalogue;
    const inks = facet ? coloursOf(facet, palette, asked).map((colour) => packed(colour, 225)) : [];
    const every = new Set();
    const [other, dim] = [packed(palette.other, 225), packed(palette.dim, 150)];
    for (let i = 0; i < n; i++) {
      const group = facet ? facet.group(i, asked) : -1;
      const first = facet ? facet.group(i, every) : -1;
      this.plain[i] = group >= 0 ? inks[group] : first >= 0 ? inks[first] : other;
      this.shown[i] = !asked.size || group >= 0 ? 1 : 0;
      this.ink[i] = !this.shown[i] ? dim : group >= 0 ? inks[group] : other;
    }
    this.order = Uint32Array.from([...byPopularity.filter((i) => this.shown[i]), ...byPopularity.filter((i) => !this.shown[i])]);
  }

  resize(width, height) {
    this.canvas.width = width;
    this.canvas.height = height;
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  // Draws the first `most` items of the order: those asked for before the others, the popular before the rare.
  draw({ motion, cx, cy, scale, zoom, ratio }, most) {
    const { x, y, bend, n } = this.catalogue;
    const { ar, ai, br, bi } = motion;
    const { width, height } = this.canvas;
    const { sx, sy, sr, size, ink, pixels, order } = this;
    // Smaller on a phone than on a desk.
    const grown = Math.min(Math.max(Math.min(width, height) / 780, 0.55 * ratio), 1.4 * ratio) * Math.pow(zoom, 0.55);
    pixels.fill(0);
    if (most < n) sr.fill(0);
    for (let at = Math.min(most, n) - 1; at >= 0; at--) {
      const i = order[at], px = x[i], py = y[i];
      const nr = ar * px - ai * py + br, ni = ar * py + ai * px + bi;
      const dr = bend * (br * px + bi * py) + ar, di = bend * (br * py - bi * px) - ai;
      const inverse = 1 / (dr * dr + di * di);
      const zx = (nr * dr + ni * di) * inverse, zy = (ni * dr - nr * di) * inverse;
      const atX = cx + scale * zx, atY = cy - scale * zy;
      // Things become smaller towards the edge of the disk, though less than distances do, so that they can still be seen.
      const r = size[i] * grown * (bend ? 0.45 + 0.55 * (1 - zx * zx - zy * zy) : 0.8);
      const outside = atX < -r || atY < -r || atX > width + r || atY > height + r;
      sx[i] = atX;
      sy[i] = atY;
      sr[i] = outside ? 0 : r;
      if (!outside) disc(pixels, width, height, atX, atY, r, ink[i]);
    }
    this.context.putImageData(this.image, 0, 0);
  }

  // The item that is drawn at a place, or near it; -1 if there is none.
  at(x, y, reach) {
    let best = -1, least = Infinity;
    for (let i = 0; i < this.catalogue.n; i++) {
      if (!this.sr[i] || !this.shown[i]) continue;
      const distance = Math.hypot(this.sx[i] - x, this.sy[i] - y) - this.sr[i];
      if (distance < reach && distance < least) [best, least] = [i, distance];
    }
    return best;
  }
}

// A disc with smooth edges. Discs that overlap hide each other, but for their edges, which are mixed.
function disc(pixels, width, height, cx, cy, r, ink) {
  const outer = (r + 0.5) * (r + 0.5), inner = r > 0.5 ? (r - 0.5) * (r - 0.5) : -1;
  const left = Math.max(0, Math.floor(cx - r - 0.5)), right = Math.min(width - 1, Math.floor(cx + r + 0.5));
  const top = Math.max(0, Math.floor(cy - r - 0.5)), bottom = Math.min(height - 1, Math.floor(cy + r + 0.5));
  const alpha = ink >>> 24;
  for (let py = top; py <= bottom; py++) {
    const dy = py + 0.5 - cy, row = py * width;
    for (let px = left; px <= right; px++) {
      const dx = px + 0.5 - cx, square = dx * dx + dy * dy;
      if (square >= outer) continue;
      if (square <= inner) {
        pixels[row + px] = ink;
        continue;
      }
      const share = Math.min(r + 0.5 - Math.sqrt(square), 1), under = pixels[row + px];
      if (!under) {
        pixels[row + px] = ((ink & 0xffffff) | ((alpha * share) << 24)) >>> 0;
        continue;
      }
      const over = (share * 256) | 0, rest = 256 - over;
      pixels[row + px] =
        ((((under & 0xff00ff) * rest + (ink & 0xff00ff) * over) >>> 8) & 0xff00ff) |
        ((((under & 0xff00) * rest + (ink & 0xff00) * over) >>> 8) & 0xff00) |
        (Math.max(under >>> 24, (alpha * share) | 0) << 24);
    }
  }
}
