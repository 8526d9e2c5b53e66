// Colours of groups. Groups of no order have colours of which the first eight can be told apart with any sight of colours.

const PALETTES = {
  light: {
    groups: ["#4477aa", "#ee6677", "#228833", "#ccaa22", "#55bbdd", "#aa3377", "#ee8844", "#117766", "#8866cc", "#88aa44", "#dd88bb",
      "#7a5c3e", "#b5541c", "#3aa58f", "#2f3c8f", "#8f8f1f", "#d4569c", "#5a7d9a"],
    ordered: ["#f6c38b", "#f2956b", "#e0636b", "#b63c79", "#812581", "#4c1a6e", "#1f0f40"],
    other: "#a9a9b4",
    dim: "#dfdfe6",
  },
  dark: {
    groups: ["#6ea8e6", "#ff7f8f", "#4fbf6a", "#e6d25a", "#7fdcff", "#dd6cb0", "#ffa46f", "#3fbfa8", "#ab90f5", "#b6da6e", "#f5aad6",
      "#b8977a", "#e07b45", "#5fd0ba", "#8794ee", "#c4c44f", "#f276b8", "#8fb4d1"],
    ordered: ["#6a3d94", "#9a3f9a", "#c94d88", "#ea6a70", "#fb955f", "#fdc571", "#fcf2b2"],
    other: "#777783",
    dim: "#34343f",
  },
};

// The colours of all groups of a facet. There are not enough for all: small groups have one only while they are asked for.
function coloursOf(facet, palette, asked) {
  if (!facet.ordered) {
    const free = palette.groups.filter((_, group) => !asked.has(group));
    return facet.values.map((_, group) => palette.groups[group] || (asked.has(group) && free.shift()) || palette.other);
  }
  const last = Math.max(facet.values.length - 1, 1);
  return facet.values.map((_, group) => between(palette.ordered, group / last));
}

function between(colours, share) {
  const place = share * (colours.length - 1), low = Math.min(Math.floor(place), colours.length - 2);
  const [from, to] = [channels(colours[low]), channels(colours[low + 1])];
  const mixed = from.map((value, i) => Math.round(value + (to[i] - value) * (place - low)));
  return "#" + mixed.map((value) => value.toString(16).padStart(2, "0")).join("");
}

function channels(colour) {
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}

// A colour as canvases keep it in memory: red first, which is the lowest byte.
function packed(colour, alpha) {
  const [red, green, blue] = channels(colour);
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
