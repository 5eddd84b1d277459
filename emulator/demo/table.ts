import type { JobItem } from '../../src/jobs/job-schemas.js';
import { apiOf, LOOKS, partsOf, remarkOf, spanOf, titleOf, viaOf } from './job-words.js';
import { fitLine, type Line } from './line.js';

type Column = {
  title: string;
  least: number;
  most: number;
  /** Where room is short the column with the least of it goes first. */
  worth: number;
  cell(job: JobItem, now: number, width: number): Line;
};

const COLUMNS: Column[] = [
  { title: 'STATUS', least: 11, most: 11, worth: 9, cell: statusCell },
  { title: 'API', least: 15, most: 15, worth: 2, cell: (job) => [{ text: apiOf(job), style: 'gray' }] },
  { title: 'JOB', least: 14, most: 32, worth: 8, cell: (job) => [{ text: titleOf(job) }] },
  { title: 'PROGRESS', least: 10, most: 15, worth: 5, cell: progressCell },
  { title: 'PARTS', least: 9, most: 12, worth: 4, cell: partsOf },
  { title: 'VIA', least: 9, most: 9, worth: 3, cell: viaCell },
  { title: '   AGE', least: 6, most: 6, worth: 7, cell: (job, now) => [{ text: ageOf(job, now) }] },
  { title: 'NOTE', least: 12, most: 90, worth: 6, cell: remarkCell },
];
const GAP = 2;

/** A line of titles and a line for each job, all of them fit for a screen of so many columns. */
export function table(jobs: readonly JobItem[], now: number, width: number): Line[] {
  const shown = layout(width);
  const row = (cells: Line[]) =>
    cells.flatMap((cell, place) => (place === 0 ? cell : [{ text: ' '.repeat(GAP) }, ...cell]));
  return [
    row(shown.map(({ column, width: wide }) => fitLine([{ text: column.title, style: 'gray' }], wide))),
    ...jobs.map((job) => row(shown.map(({ column, width: wide }) => fitLine(column.cell(job, now, wide), wide)))),
  ];
}

function layout(width: number): { column: Column; width: number }[] {
  let shown = COLUMNS;
  const spare = () => width - shown.reduce((sum, { least }) => sum + least, 0) - GAP * (shown.length - 1);
  while (spare() < 0 && shown.length > 1) {
    const cheapest = Math.min(...shown.map(({ worth }) => worth));
    shown = shown.filter(({ worth }) => worth > cheapest);
  }
  const placed = shown.map((column) => ({ column, width: Math.min(column.least, Math.max(1, width)) }));
  // A column at a time, so that what is left is shared and not taken by the first that asks.
  for (let left = spare(); left > 0;) {
    const wanting = placed.filter((place) => place.width < place.column.most);
    if (wanting.length === 0) break;
    for (const place of wanting.slice(0, left)) place.width += 1;
    left -= wanting.length;
  }
  return placed;
}

function statusCell({ status, confirmed, terminalAt }: JobItem): Line {
  const { word, glyph, style } = LOOKS[status];
  // A final word that only a callback has said is shown, but not as loud.
  return [{ text: `${glyph} ${word}`, style: terminalAt !== null && !confirmed ? ['dim', style as 'red'] : style }];
}

function progressCell({ progress, status, terminalAt }: JobItem, _now: number, width: number): Line {
  const room = width - 5;
  const percent = progress ?? 0;
  const done = Math.round((room * Math.min(100, percent)) / 100);
  return [
    { text: '━'.repeat(done), style: LOOKS[status].style },
    { text: '─'.repeat(room - done), style: 'gray' },
    { text: progress === null ? '' : `${percent}%`.padStart(5), style: terminalAt === null ? 'white' : 'gray' },
  ];
}

function viaCell(job: JobItem): Line {
  return [{ text: viaOf(job), style: job.confirmed ? 'gray' : 'yellow' }];
}

function ageOf({ createdAt }: JobItem, now: number): string {
  return spanOf(now - Date.parse(createdAt)).padStart(6);
}

/** The family of an error's code says less than its last word, and takes the room. */
function remarkCell(job: JobItem): Line {
  const { text, style } = remarkOf(job);
  return [{ text: text.replace(/^\w+\.(?=\w)/, ''), style }];
}
