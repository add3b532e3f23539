import type { Row } from "./rounds.ts";

const WIDTH = 760;
const LABEL = 230;
const BAR = 22;
const GAP = 8;

/** A Markdown table of measurements. */
export function tableOf(rows: readonly Row[], unit: string): string {
  const best = rows.find(({ name }) => name === "Mintmark")?.cpu;
  const lines = rows.map(({ name, perSecond, cpu, mainThread = cpu, p50, p99, memory }) => {
    const ratio = best === undefined ? "" : `×${(cpu / best).toFixed(2)}`;
    const times = [cpu.toFixed(1), ratio, mainThread.toFixed(1)];
    const cells = [perSecond.toFixed(0), ...times, p50.toFixed(2), p99.toFixed(2)];
    return `| ${name} | ${cells.join(" | ")} | ${(memory / 2 ** 20).toFixed(0)} |`;
  });
  const head = `| | ${unit} a second | CPU a request, µs | to Mintmark | its main thread, µs | p50, ms | p99, ms | memory, MB |`;
  return [head, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", ...lines].join("\n");
}

/** A bar chart of the rates. */
export function chartOf(rows: readonly Row[], title: string): string {
  const most = Math.max(...rows.map(({ perSecond }) => perSecond));
  const height = 46 + rows.length * (BAR + GAP);
  const bars = rows.map(({ name, perSecond }, at) => {
    const y = 40 + at * (BAR + GAP);
    const length = Math.round((perSecond / most) * (WIDTH - LABEL - 90));
    const fill = name.startsWith("Mintmark") ? "#1a7f4b" : name.startsWith("bare") ? "#9aa4b2" : "#5b7fb5";
    return [
      `<text x="${LABEL - 8}" y="${y + 15}" text-anchor="end">${name}</text>`,
      `<rect x="${LABEL}" y="${y}" width="${length}" height="${BAR}" rx="3" fill="${fill}"/>`,
      `<text x="${LABEL + length + 6}" y="${y + 15}">${Math.round(perSecond).toLocaleString("en")}</text>`,
    ].join("");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}" font-family="system-ui, sans-serif" font-size="13">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="12" y="22" font-weight="600">${title}</text>
${bars.join("\n")}
</svg>
`;
}
