import type { Json } from '../domain/observation.js';
import { withoutTrailing } from '../domain/text.js';
import { allFound, isId, LONGEST_SEARCHED, replaceFound } from './runs.js';

export const SHARED_KINDS = ['clip', 'media', 'bucket', 'host', 'url'] as const;
export type SharedKind = (typeof SHARED_KINDS)[number];

/** Something that a failure names, in its error or in the inputs of its job. */
export type Named = { kind: SharedKind; value: string };

/** How many failures named a value. `missed`: so many more of the count may be others' (see `tally`). */
export type Tallied = Named & { count: number; missed: number };

/** Of one kind a failure names no more, and an alert remembers no more: what a fifth of the failures name is never lost. */
const NAMED = 20;
const REMEMBERED = 100;
const LONGEST = 300;
const DEEPEST = 12;

/** Patterns of runs.ts. */
const URL_IN_TEXT = /\b([a-z][a-z0-9+.-]*:\/\/[^\s"'<>\])}，。；、]+)|\b[a-z][a-z0-9+.-]*|\w+/gi;
const WORD_IN_TEXT = /([\w*-]+)/g;
const BUCKET_IN_TEXT = /\bbucket["' :=]+([a-z0-9][a-z0-9-]+)\b/gi;
/** OSS and OBS take 3 to 63 characters. */
const LONGEST_BUCKET = 63;
/** As long as DNS has names. */
const LONGEST_HOST = 255;
const AUTHORITY = /^[a-z][a-z0-9+.-]*:[/\\]+([^/\\]*)/i;
/** `bucket` and the vendor's own host: `<bucket>.oss-cn-shanghai.aliyuncs.com`, `<bucket>.obs.cn-north-4.myhuaweicloud.com`. */
const BUCKET_HOST = /^([a-z0-9][a-z0-9-]*)\.(?:oss-[a-z0-9-]+\.aliyuncs\.com|obs\.[a-z0-9-]+\.myhuaweicloud\.com)$/i;
const STORES = new Set(['oss:', 'obs:', 's3:']);

/** What one failure names, each value once: in the message of its error first, then in the inputs of its job. */
export function namedBy(message: string | null, inputs: readonly Json[]): Named[] {
  const found = [...(message === null ? [] : inText(message)), ...inputs.flatMap((input) => inInput(input, '', 0))];
  const values = new Map<string, Named>();
  for (const named of found) {
    // What an error calls a clip, the inputs call a medium.
    const key = named.kind === 'clip' || named.kind === 'media' ? named.value : `${named.kind} ${named.value}`;
    if (!values.has(key)) values.set(key, named);
  }
  return SHARED_KINDS.flatMap((kind) => [...values.values()].filter((named) => named.kind === kind).slice(0, NAMED));
}

function inText(message: string): Named[] {
  const text = message.slice(0, LONGEST_SEARCHED);
  const urls = allFound(text, URL_IN_TEXT).flatMap(({ found }) => inUrl(found));
  const rest = replaceFound(text, URL_IN_TEXT, ' ');
  const ids = allFound(rest, WORD_IN_TEXT).flatMap(({ found, index }): Named[] => {
    if (!isId(found)) return [];
    const before = rest.slice(Math.max(0, index - 80), index).toLowerCase();
    const kind = lastWord(before);
    return kind ? [nameOf(kind, found)] : [];
  });
  const buckets = allFound(rest, BUCKET_IN_TEXT).filter(
    ({ found }) => found.length >= 3 && found.length <= LONGEST_BUCKET,
  );
  return [...urls, ...ids, ...buckets.map(({ found }) => nameOf('bucket', found))];
}

function nameOf(kind: SharedKind, value: string): Named {
  return { kind, value: value.slice(0, LONGEST).toWellFormed() };
}

/** What an id is, by the word that stands nearest before it; null: the id of a job, a request, or of anything. */
function lastWord(before: string): 'clip' | 'media' | null {
  const clip = before.lastIndexOf('clip');
  const media = Math.max(before.lastIndexOf('media'), before.lastIndexOf('material'), before.lastIndexOf('素材'));
  if (clip < 0 && media < 0) return null;
  return clip > media ? 'clip' : 'media';
}

/** The values of a vendor's input, whatever its shape: objects, lists, and JSON inside text. */
function inInput(value: Json, key: string, depth: number): Named[] {
  if (depth > DEEPEST || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item) => inInput(item, key, depth + 1));
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([name, item]) => inInput(item, name, depth + 1));
  }
  if (typeof value !== 'string') return [];
  const text = value.trim();
  if (text.startsWith('[') || text.startsWith('{')) return inInput(parsed(text), key, depth + 1);
  return inValue(text.slice(0, LONGEST_SEARCHED), key);
}

function inValue(text: string, key: string): Named[] {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return inUrl(text);
  if (/bucket/i.test(key)) return text === '' ? [] : [nameOf('bucket', text)];
  if (!isId(text)) return [];
  if (/clips?(id)?s?$/i.test(key)) return [nameOf('clip', text)];
  return /media|material|video|audio|image|sticker|logo/i.test(key) ? [nameOf('media', text)] : [];
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

/** Without what follows the path: signed addresses carry a signature there, and differ each time. */
function inUrl(text: string): Named[] {
  const [path = ''] = text.split(/[?#\t\n\r]/, 1);
  const url = withoutUser(withoutTrailing(path, '.,:;'));
  // The parser writes hosts of other alphabets in ASCII, which takes quadratic time, and checks their length afterwards.
  if ((AUTHORITY.exec(url)?.[1] ?? '').length > LONGEST_HOST || !URL.canParse(url)) return [];
  const { protocol, hostname } = new URL(url);
  if (hostname === '') return [nameOf('url', url)];
  if (STORES.has(protocol)) return [nameOf('url', url), nameOf('bucket', hostname)];
  const bucket = BUCKET_HOST.exec(hostname)?.[1];
  return [nameOf('url', url), nameOf('host', hostname), ...(bucket === undefined ? [] : [nameOf('bucket', bucket)])];
}

function withoutUser(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}

/**
 * Counts the values of one more failure, in bounded room: "space saving" (Metwally, Agrawal, El Abbadi, 2005). When there is
 * no room, the rarest value gives its place to a new one, which takes over the count as what it may have missed: so counts are
 * exact until then, and afterwards `count - missed` is what a value was named at least.
 */
export function tally(known: readonly Tallied[], named: readonly Named[]): Tallied[] {
  const entries = new Map(known.map((entry) => [keyOf(entry), { ...entry }]));
  for (const value of named) {
    const key = keyOf(value);
    const entry = entries.get(key);
    if (entry) {
      entry.count++;
      continue;
    }
    const ofKind = [...entries.values()].filter(({ kind }) => kind === value.kind);
    const rarest = ofKind.length < REMEMBERED ? null : ofKind.reduce((a, b) => (b.count < a.count ? b : a));
    if (rarest) entries.delete(keyOf(rarest));
    const missed = rarest?.count ?? 0;
    entries.set(key, { ...value, count: missed + 1, missed });
  }
  return [...entries.values()];
}

const keyOf = ({ kind, value }: Named) => `${kind} ${value}`;

/** What the failures have in common, the most frequent first: what two of them name, or the only one. */
export function sharedBy(tallied: readonly Tallied[], failures: number, most: number) {
  const least = failures === 1 ? 1 : 2;
  return tallied
    .map(({ kind, value, count, missed }) => ({ kind, value, failures: Math.min(failures, count - missed) }))
    .filter(({ failures: named }) => named >= least)
    .sort((a, b) => b.failures - a.failures || SHARED_KINDS.indexOf(a.kind) - SHARED_KINDS.indexOf(b.kind))
    .slice(0, most);
}
