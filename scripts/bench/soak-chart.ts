import type { Series } from "./soak-verdict.ts";

/** Series that share an axis. */
export type Panel = { title: string; series: readonly Series[] };

const WIDTH = 760;
const PANEL = 130;
const PLOT = { left: 64, right: 110, top: 26, bottom: 18 };
const COLOURS = ["#1a7f4b", "#5b7fb5"];

/** Lines over the minutes of a run, one panel below the other, each from zero. */
export function panelsOf(title: string, panels: readonly Panel[], minutes: number): string {
  const height = 34 + panels.length * PANEL + 18;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="12" y="22" font-weight="600" font-size="13">${title}</text>
${panels.map((panel, at) => panelAt(panel, 34 + at * PANEL)).join("\n")}
<text x="${PLOT.left}" y="${height - 6}">0</text>
<text x="${WIDTH - PLOT.right}" y="${height - 6}" text-anchor="end">${minutes} minutes</text>
</svg>
`;
}

function panelAt({ title, series }: Panel, y: number): string {
  const most = Math.max(...series.flatMap(({ values }) => values));
  const bottom = y + PANEL - PLOT.bottom;
  const [width, height] = [WIDTH - PLOT.left - PLOT.right, PANEL - PLOT.top - PLOT.bottom];
  const lines = series.map(({ name, unit, values }, at) => {
    const points = values.map((value, time) => {
      const across = PLOT.left + (width * time) / Math.max(1, values.length - 1);
      return `${across.toFixed(1)},${(bottom - (height * value) / most).toFixed(1)}`;
    });
    const end = Number(points.at(-1)?.split(",")[1] ?? bottom);
    return [
      `<polyline points="${points.join(" ")}" fill="none" stroke="${COLOURS[at]}" stroke-width="1.5"/>`,
      `<text x="${WIDTH - PLOT.right + 6}" y="${end + 4}" fill="${COLOURS[at]}">${name}, ${unit}</text>`,
    ].join("");
  });
  return [
    `<text x="12" y="${y + 16}">${title}</text>`,
    `<path d="M${PLOT.left} ${bottom}h${width}M${PLOT.left} ${bottom - height}h${width}" stroke="#dde1e6"/>`,
    `<text x="${PLOT.left - 6}" y="${bottom + 4}" text-anchor="end">0</text>`,
    `<text x="${PLOT.left - 6}" y="${bottom - height + 4}" text-anchor="end">${most.toPrecision(3)}</text>`,
    ...lines,
  ].join("\n");
}
