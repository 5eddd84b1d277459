import type { JobItem } from '../../src/jobs/job-schemas.js';
import { LOOKS, spanOf, STATUSES } from './job-words.js';
import { cutLine, lineWidth, type Line } from './line.js';
import { table } from './table.js';
import { plain } from './text.js';
import type { DoorCounts } from './tracker-api.js';

export type Size = { columns: number; rows: number };
export type Address = { url: string; key: string };

/** All that the screen shows at one moment. */
export type View = Address & {
  now: number;
  startedAt: number;
  counts: Record<JobItem['status'], number>;
  doors: DoorCounts | null;
  /** Where they are shown, how many are open, and the last message about one. */
  alerts: { page: string; open: number; newest: string | null };
  log: { file: string; warnings: number; errors: number };
  /** Newest first. */
  jobs: JobItem[];
  /** A job worth a look, for the curl line. */
  exampleId: string | null;
  /** What is wrong at this moment. */
  trouble: string | null;
};

/** Beyond this a glance does not take it in. */
const MOST_ROWS = 30;
const FEWEST_ROWS = 5;

/** The whole screen: never a line more than it has rows, never a column more than it has columns. */
export function screen(view: View, { columns, rows }: Size): Line[] {
  const head = [...header(view, columns), []];
  const address = [[], ...addressLines(view, columns)];
  const curls = curlLines(view, view.exampleId, columns);
  const end: Line[] = [[{ text: 'Ctrl-C stops', style: 'gray' }]];
  // The table gives way last: first the curl lines go, then the addresses, then the header.
  const room = (parts: Line[]) => rows - parts.length - 1;
  const parts = [
    { above: head, below: [...address, ...curls, ...end] },
    { above: head, below: [...address, ...end] },
    { above: head, below: [] },
  ].find(({ above, below }) => room([...above, ...below]) >= FEWEST_ROWS) ?? { above: [], below: [] };
  const jobs = view.jobs.slice(0, Math.max(0, Math.min(MOST_ROWS, room([...parts.above, ...parts.below]))));
  return [...parts.above, ...table(jobs, view.now, columns), ...parts.below]
    .slice(0, rows)
    .map((line) => cutLine(line, columns));
}

function header(view: View, columns: number): Line[] {
  const title: Line = [
    { text: 'Callsheet demo', style: 'bold' },
    { text: `  ${view.url}  up ${spanOf(view.now - view.startedAt)}`, style: 'gray' },
  ];
  const counts = STATUSES.filter((status) => status !== 'lost' || view.counts.lost > 0).map((status): Line => [
    { text: `${LOOKS[status].glyph} ${view.counts[status]}`, style: LOOKS[status].style },
    { text: ` ${LOOKS[status].word}` },
  ]);
  const { doors, alerts, log } = view;
  const facts: Line[] = [
    ...(doors
      ? [
          `callbacks ${doors.stored} stored, ${doors.repeated} repeated, ${doors.refused} refused`,
          `polls ${doors.answered} answered, ${doors.unanswered} failed`,
        ].map((text): Line => [{ text, style: 'gray' }])
      : []),
    [{ text: `log ${log.warnings} warnings, ${log.errors} errors`, style: log.errors > 0 ? 'red' : 'gray' }],
  ];
  const told: Line = [
    { text: `alerts ${alerts.open} open`, style: alerts.open > 0 ? 'yellow' : 'gray' },
    ...(alerts.newest === null ? [] : [{ text: `   ${plain(alerts.newest)}` }]),
  ];
  const trouble: Line[] = view.trouble === null ? [] : [[{ text: plain(view.trouble), style: 'red' }]];
  return [title, ...flow(counts, columns), ...flow(facts, columns), told, ...trouble];
}

/** As many on a line as fit, three columns between them. */
function flow(items: Line[], columns: number): Line[] {
  const lines: Line[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last && lineWidth(last) + 3 + lineWidth(item) <= columns) last.push({ text: '   ' }, ...item);
    else lines.push([...item]);
  }
  return lines;
}

/** Where everything is, and what opens it. */
export function addressLines({ url, key, alerts }: Address & Pick<View, 'alerts'>, columns = Infinity): Line[] {
  const named = (name: string, value: string): Line => [{ text: name.padEnd(8), style: 'gray' }, { text: value }];
  return flow([named('docs', `${url}/docs`), named('API key', key), named('alerts', alerts.page)], columns);
}

/** Ready to paste: in one piece where the terminal is wide enough, else over two lines joined by a backslash. */
export function curlLines({ url, key }: Address, exampleId: string | null, columns = Infinity): Line[] {
  const header = `-H 'Authorization: Bearer ${key}'`;
  const curl = (path: string): Line[] => {
    const [full, brief] = [`${url}${path}`, `${url.replace('http://', '')}${path}`];
    const forms = [
      [`curl -s '${full}' ${header}`],
      ...[full, brief].map((at) => [`curl -s '${at}' \\`, `  ${header}`]),
    ];
    const fitting = forms.find((form) => form.every((line) => line.length <= columns)) ?? forms[2] ?? [];
    return fitting.map((text) => [{ text, style: 'cyan' }]);
  };
  return [
    ...curl('/v1/jobs?status=failed,partially_failed'),
    ...(exampleId === null ? [] : curl(`/v1/jobs/${exampleId}/history`)),
  ];
}
