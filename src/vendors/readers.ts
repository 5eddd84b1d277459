import type { Json } from '../domain/observation.js';

/** The largest id of a vendor's job we keep, in characters; a longer one is nobody's. */
export const LONGEST_ID = 256;
const LONGEST_TEXT = 4096;
const LONGEST_RAW_TEXT = 65_536;
const MAX_INT4 = 2_147_483_647;
/** Vendors have sent the year 0 and 9999 for "no time". */
const FIRST_TIME = Date.UTC(2000, 0, 1);
const LAST_TIME = Date.UTC(2200, 0, 1);

const PLAIN_NUMBER = /^[+-]?\d+(\.\d+)?$/;

/**
 * Reads an object of a vendor leniently: what cannot be read becomes null and a note, and costs nothing else.
 * Texts are trimmed, numbers may be text, empty text is absent.
 */
export class Fields {
  private constructor(
    readonly value: { [key: string]: Json },
    private readonly place: string,
    readonly notes: string[],
  ) {}

  static of(value: Json | undefined, place = '', notes: string[] = []): Fields {
    return new Fields(isObject(value) ? value : {}, place, notes);
  }

  /** The object as it came, its keys in order: what says the same reads the same, however the vendor arranges it. */
  inOrder(): { [key: string]: Json } {
    const ordered: { [key: string]: Json } = {};
    for (const key of Object.keys(this.value).sort()) ordered[key] = this.value[key] ?? null;
    return ordered;
  }

  has(key: string): boolean {
    const value = this.value[key];
    return value !== undefined && value !== null && value !== '';
  }

  text(key: string, longest = LONGEST_TEXT): string | null {
    const value = this.value[key];
    if (value === undefined || value === null) return null;
    if (typeof value === 'object') return this.unreadable(key, value, 'is not text');
    const text = String(value).trim();
    if (text.length > longest) {
      this.note(key, `has ${text.length} characters, cut to ${longest}`);
      return text.slice(0, longest).toWellFormed();
    }
    return text === '' ? null : text;
  }

  /** Text that is kept as it came, but for its length. */
  rawText(key: string): string | null {
    return this.text(key, LONGEST_RAW_TEXT);
  }

  /** An id, or null when it is too long to be one. */
  id(key: string): string | null {
    const text = this.text(key, Number.MAX_SAFE_INTEGER);
    if (text === null || text.length <= LONGEST_ID) return text;
    return this.unreadable(key, text, `has ${text.length} characters, an id has at most ${LONGEST_ID}`);
  }

  /** A number, given as a number or as text. */
  number(key: string): number | null {
    const value = this.value[key];
    if (value === undefined || value === null || value === '') return null;
    if (typeof value === 'number')
      return Number.isFinite(value) ? value : this.unreadable(key, value, 'is not a number');
    const text = typeof value === 'string' && value.length <= LONGEST_TEXT ? value.trim() : '';
    return PLAIN_NUMBER.test(text) ? Number(text) : this.unreadable(key, value, 'is not a number');
  }

  /** A whole number from 0 to `max`; what does not fit a column is null. */
  count(key: string, max = MAX_INT4): number | null {
    return this.whole(key, 1, 0, max);
  }

  /** A whole number that may be negative, such as degrees. */
  integer(key: string): number | null {
    return this.whole(key, 1, -MAX_INT4, MAX_INT4);
  }

  /** `number × factor`, rounded: seconds to ms, kbit/s to bit/s. */
  scaled(key: string, factor: number): number | null {
    return this.whole(key, factor, 0, Number.MAX_SAFE_INTEGER);
  }

  /** A rate such as frames a second, to four decimals. */
  decimal(key: string): number | null {
    const value = this.number(key);
    if (value === null) return null;
    if (value < 0 || value > 99_999_999) return this.unreadable(key, value, 'is out of range');
    return Math.round(value * 10_000) / 10_000;
  }

  /** `yyyy-MM-ddTHH:mm:ssZ`, or `yyyyMMddHHmmss` as text or as a number; UTC both. */
  time(key: string): Date | null {
    const text = this.text(key);
    if (text === null) return null;
    const iso = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z');
    const ms = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z$/.test(iso) ? Date.parse(iso) : Number.NaN;
    if (!(ms >= FIRST_TIME && ms < LAST_TIME)) return this.unreadable(key, text, 'is not a time');
    return new Date(ms);
  }

  object(key: string): Fields {
    const value = this.value[key];
    if (value !== undefined && value !== null && !isObject(value)) this.unreadable(key, value, 'is not an object');
    return new Fields(isObject(value) ? value : {}, this.at(key), this.notes);
  }

  /** An object that stands as JSON in a text, such as `TemplateConfig`. */
  jsonObject(key: string): Fields {
    const text = this.rawText(key);
    const value = objectIn(text);
    if (text !== null && value === null) this.unreadable(key, text, 'is not a JSON object');
    return new Fields(value ?? {}, this.at(key), this.notes);
  }

  objects(key: string): Fields[] {
    const value = this.value[key];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.unreadable(key, value, 'is not a list');
      return [];
    }
    return value.map((item, i) => new Fields(isObject(item) ? item : {}, `${this.at(key)}[${i}]`, this.notes));
  }

  private whole(key: string, factor: number, min: number, max: number): number | null {
    const value = this.number(key);
    if (value === null) return null;
    const whole = Math.round(value * factor);
    return whole >= min && whole <= max ? whole : this.unreadable(key, value, 'is out of range');
  }

  private at(key: string): string {
    return this.place === '' ? key : `${this.place}.${key}`;
  }

  private note(key: string, problem: string): void {
    this.notes.push(`${this.at(key)}: ${problem}`);
  }

  private unreadable(key: string, value: Json, problem: string): null {
    const shown = JSON.stringify(value);
    this.note(key, `${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown} ${problem}`);
    return null;
  }
}

export function isObject(value: unknown): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands in a string that should hold a JSON object, such as `UserData`; null when it does not. */
export function objectIn(text: string | null): { [key: string]: Json } | null {
  const parsed = text === null ? null : parseJson(text);
  return parsed && isObject(parsed.value) ? parsed.value : null;
}

/** Deeper than any vendor's document, shallower than what Postgres' `jsonb` and our own recursion bear. */
const DEEPEST = 128;
/** What Postgres refuses in text and `jsonb`: NUL, and halves of surrogate pairs. */
const UNSTORABLE = /\\u0000|\\u[dD][89a-fA-F]|\u0000|[\ud800-\udfff]/;

/** JSON that can be stored: `null` when `text` is not JSON or nested absurdly deep. */
export function parseJson(text: string): { value: Json } | null {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return null;
  }
  if (isDeeperThan(value, DEEPEST)) return null;
  return { value: UNSTORABLE.test(text) ? storable(value) : value };
}

/**
 * Whether lists and objects stand in each other more than `limit` times. Its recursion goes no deeper than that, so that 50,000
 * levels do not end the process.
 */
export function isDeeperThan(value: Json, limit: number): boolean {
  if (limit < 0) return true;
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeperThan(item, limit - 1)) return true;
    return false;
  }
  for (const key in value) {
    if (isDeeperThan(value[key] ?? null, limit - 1)) return true;
  }
  return false;
}

function storable(value: Json): Json {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item)]));
}

function storableText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}
