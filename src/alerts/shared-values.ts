import type { Json } from '../domain/observation.js';

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

const URL_IN_TEXT = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>\])}，。；、]+/gi;
const ID_IN_TEXT = /(?<![\w*])(?=[\w*-]*\d)[\w*-]{12,}(?![\w*])/g;
const ID = /^(?=.*\d)[\w*-]{12,}$/;
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

function inText(text: string): Named[] {
  const urls = [...text.matchAll(URL_IN_TEXT)].flatMap(([url]) => inUrl(url));
  const rest = text.replace(URL_IN_TEXT, ' ');
  const ids = [...rest.matchAll(ID_IN_TEXT)].flatMap((match): Named[] => {
    const before = rest.slice(Math.max(0, match.index - 80), match.index).toLowerCase();
    const kind = lastWord(before);
    return kind ? [{ kind, value: match[0].slice(0, LONGEST).toWellFormed() }] : [];
  });
  const buckets = [...rest.matchAll(/\bbucket["' :=]+([a-z0-9][a-z0-9-]{2,62})\b/gi)].map(([, value = '']): Named => ({
    kind: 'bucket',
    value,
  }));
  return [...urls, ...ids, ...buckets];
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
  if (/^[[{]/.test(text)) return inInput(parsed(text), key, depth + 1);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return inUrl(text);
  if (/bucket/i.test(key)) return text === '' ? [] : [{ kind: 'bucket', value: text.slice(0, LONGEST).toWellFormed() }];
  if (!ID.test(text)) return [];
  if (/clips?(id)?s?$/i.test(key)) return [{ kind: 'clip', value: text.slice(0, LONGEST).toWellFormed() }];
  return /media|material|video|audio|image|sticker|logo/i.test(key)
    ? [{ kind: 'media', value: text.slice(0, LONGEST).toWellFormed() }]
    : [];
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
  const url = text.replace(/[?#].*$/s, '').replace(/[.,:;]+$/, '');
  if (!URL.canParse(url)) return [];
  const { protocol, hostname } = new URL(url);
  const named: Named = { kind: 'url', value: withoutUser(url).slice(0, LONGEST).toWellFormed() };
  if (STORES.has(protocol)) return [named, ...(hostname === '' ? [] : [{ kind: 'bucket' as const, value: hostname }])];
  const bucket = BUCKET_HOST.exec(hostname)?.[1];
  return [
    named,
    ...(hostname === '' ? [] : [{ kind: 'host' as const, value: hostname }]),
    ...(bucket === undefined ? [] : [{ kind: 'bucket' as const, value: bucket }]),
  ];
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
