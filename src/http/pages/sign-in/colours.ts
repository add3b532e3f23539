/** Red, green and blue, 0 to 255. */
type Colour = readonly [red: number, green: number, blue: number];

const BLACK: Colour = [0, 0, 0];
const WHITE: Colour = [255, 255, 255];

/** The schemes of `sign-in.css`: what is behind buttons and links, the card and the page, and where a shade can go from there. */
const SCHEMES = {
  light: { behind: ["#ffffff", "#f3f5f8"].map(parse), away: BLACK },
  dark: { behind: ["#1a2027", "#12161b"].map(parse), away: WHITE },
};

/** Least contrast of a text, and of a control (WCAG 2.2 §1.4.3, §1.4.11). */
const TEXT = 4.5;
const CONTROL = 3;

/** Contrast of a button in the dark scheme whose own colour has too little: at the least one it would look disabled. */
const BRIGHT = 9;

/** The style sheet of a colour `#rrggbb`, which replaces colours of `sign-in.css`. A button can be read and seen in both schemes. */
export function colourStyle(colour: string): string {
  const brand = parse(colour);
  const { light, dark } = SCHEMES;
  // On white, a light button keeps its colour, and has a dark edge.
  const edge = shade(brand, { ...light, contrast: CONTROL });
  const bright = hasContrast(brand, { ...dark, contrast: CONTROL })
    ? brand
    : shade(brand, { ...dark, contrast: BRIGHT });
  const inLight = variables({ fill: brand, edge, link: shade(brand, { ...light, contrast: TEXT }) });
  const inDark = variables({ fill: bright, edge: bright, link: shade(brand, { ...dark, contrast: TEXT }) });
  return `:root {${inLight}}\n@media (prefers-color-scheme: dark) {:root {${inDark}}}\n`;
}

function variables({ fill, edge, link }: { fill: Colour; edge: Colour; link: Colour }): string {
  const text = contrastOf(fill, BLACK) > contrastOf(fill, WHITE) ? BLACK : WHITE;
  return Object.entries({ accent: fill, "on-accent": text, edge, link })
    .map(([name, value]) => `--${name}:${format(value)};`)
    .join("");
}

const STEPS = 64;

type Wanted = { behind: readonly Colour[]; away: Colour; contrast: number };

/** The nearest shade towards black or white that has the contrast to all that can be behind it. */
function shade(brand: Colour, wanted: Wanted): Colour {
  const shades = Array.from({ length: STEPS }, (_, step) => mix(brand, wanted.away, step / STEPS));
  return shades.find((one) => hasContrast(one, wanted)) ?? wanted.away;
}

function hasContrast(colour: Colour, { behind, contrast }: Wanted): boolean {
  return behind.every((other) => contrastOf(colour, other) >= contrast);
}

function mix([red, green, blue]: Colour, [r, g, b]: Colour, share: number): Colour {
  const between = (from: number, to: number) => Math.round(from + (to - from) * share);
  return [between(red, r), between(green, g), between(blue, b)];
}

/** WCAG 2.2: 1 to 21. */
function contrastOf(a: Colour, b: Colour): number {
  const [dark, light] = [luminanceOf(a), luminanceOf(b)].toSorted((one, other) => one - other);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminanceOf([red, green, blue]: Colour): number {
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/** The inverse of the transfer function of sRGB. */
function linear(value: number): number {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function parse(colour: string): Colour {
  const number = Number.parseInt(colour.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

function format([red, green, blue]: Colour): string {
  return `#${((red << 16) | (green << 8) | blue).toString(16).padStart(6, "0")}`;
}
