import { hash } from 'node:crypto';
import { isId, LONGEST_SEARCHED, replaceFound } from './runs.js';

/** A pattern of runs.ts, what stands in the place of what it finds, and which of that. */
type Volatile = [pattern: RegExp, name: string, accepts?: (found: string) => boolean];

/**
 * What makes two messages of a vendor the same error: ids, addresses and numbers are taken out, longest first, so that the
 * parts of a URL are not taken for ids. A list of such values is one of them.
 */
const VOLATILE: Volatile[] = [
  [/\b([a-z][a-z0-9+.-]*:\/{1,2}[^\s"'<>\])}，。；、]+)|\b[a-z][a-z0-9+.-]*|\w+/gi, '<url>'],
  [/(\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)/gi, '<id>'],
  [/(\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b)/g, '<host>'],
  [
    /\b((?:[a-z0-9-]+\.)+(?:com|cn|net|org|io|local|internal)(?::\d+)?\b)|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*|\w+/gi,
    '<host>',
  ],
  [/<\w*[./-]?|([\w.-]*(?:\/[\w.-]+)+\.\w{2,5}\b)|[\w.-]+(?:\/[\w.-]+)*|(?:\/[\w.-]+)+/g, '<path>'],
  [/(\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?Z?)/g, '<time>'],
  [/<[\w*]*-?|([\w*-]+)/g, '<id>', isId],
  [/<(?:\w+|[+-])?|((?:\B[+-])?\b\d+(?:\.\d+)?\b)/g, '<n>'],
];

const LIST = /(["']?<(\w+)>["']?)(?:\s*[,;|]\s*["']?<\2>["']?)+/g;
const LONGEST = 500;

/** The message without what differs from one failure to the next; null when there is no message. */
export function normalizeError(message: string | null): string | null {
  if (message === null) return null;
  const plain = VOLATILE.reduce(
    (text, [pattern, name, accepts]) => replaceFound(text, pattern, name, accepts),
    message.slice(0, LONGEST_SEARCHED).trim(),
  );
  return plain.replace(LIST, '$1').replace(/\s+/g, ' ').slice(0, LONGEST).toWellFormed();
}

/** Failures with the same parts are one alert. As a UUID, since that is how it is stored. */
export function fingerprintOf(parts: {
  rule: string;
  account: string | null;
  api: string | null;
  template: string | null;
  code: string | null;
  message: string | null;
}): string {
  const { rule, account, api, template, code, message } = parts;
  const hex = hash('sha256', JSON.stringify([rule, account, api, template, code, message]));
  return [8, 4, 4, 4, 12]
    .map((length, i, lengths) => {
      const from = lengths.slice(0, i).reduce((sum, each) => sum + each, 0);
      return hex.slice(from, from + length);
    })
    .join('-');
}
