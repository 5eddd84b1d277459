import type { JobSeen, Json } from '../domain/observation.js';
import { isObject } from './readers.js';

/** What a field holds: text, a number (or text that reads as one), anything at all, an object, or a list of objects. */
export type Shape = 'text' | 'number' | 'any' | ObjectShape | readonly [ObjectShape];
export interface ObjectShape {
  readonly [field: string]: Shape;
}

/** A job's object in the vendor's answers as its documentation states it. */
export type Contract = {
  readonly shape: ObjectShape;
  /** Places that every answer has: `Status`, `SubJobList[].Status`. */
  readonly always: readonly string[];
  /** Places that the answer about a success has as well. */
  readonly onSuccess: readonly string[];
};

export const CONTRACT_CHANGES = ['new_field', 'vanished_field', 'changed_type', 'unknown_word'] as const;

/** Where a vendor's answer departs from its documentation. `place` is a field or, for an unknown word, the word. */
export type ContractChange = { change: (typeof CONTRACT_CHANGES)[number]; place: string };

/** Fields of one kind, by their names: `fields('text', 'JobId Status')`. */
export function fields<Kind extends Shape>(kind: Kind, names: string): Record<string, Kind> {
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, kind]));
}

const LONGEST_PLACE = 128;

/** How an answer about a job departs from the contract of its API, each departure once. */
export function contractChanges(contract: Contract, { document, word, facts, subjobs }: JobSeen): ContractChange[] {
  const found = new Map<string, ContractChange>();
  const note = (change: ContractChange['change'], place: string) =>
    found.set(`${change} ${place}`, { change, place: place.slice(0, LONGEST_PLACE) });

  if (isObject(document)) compare(document, contract.shape, null, note);
  const expected = word === 'succeeded' ? [...contract.always, ...contract.onSuccess] : contract.always;
  for (const place of expected) if (isMissing(document, place.split('.'))) note('vanished_field', place);
  if (word === null && facts.vendorStatus !== null) note('unknown_word', facts.vendorStatus);
  for (const { status, facts: part } of subjobs) {
    if (status === null && part.vendorStatus !== null) note('unknown_word', part.vendorStatus);
  }
  return [...found.values()];
}

type Note = (change: ContractChange['change'], place: string) => void;

/** Where a field is. Hardly any is ever noted, so the text of its place is made when one is. */
type At = { in: At | null; key: string; inList?: boolean };

function placeOf({ in: outer, key, inList = false }: At): string {
  return `${outer === null ? '' : `${placeOf(outer)}.`}${key}${inList ? '[]' : ''}`;
}

function compare(value: { [key: string]: Json }, shape: ObjectShape, outer: At | null, note: Note): void {
  for (const key in value) {
    const known = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (known === undefined) note('new_field', placeOf({ in: outer, key }));
    else if (!isAsKnown(value[key], known)) compareField(value[key] ?? null, known, { in: outer, key }, note);
  }
}

/** Nearly every field: absent, as vendors leave out what they have nothing to say about, or plain and of its type. */
function isAsKnown(value: Json | undefined, shape: Shape): boolean {
  if (shape === 'any' || value === undefined || value === null || value === '') return true;
  if (shape === 'text') return typeof value === 'string';
  if (shape !== 'number') return false;
  return typeof value === 'number' || (typeof value === 'string' && value.trim() !== '' && !isNaN(+value));
}

function compareField(value: Json, shape: Shape, at: At, note: Note): void {
  if (typeof shape !== 'string' && isList(shape) && Array.isArray(value)) {
    const inList = { ...at, inList: true };
    for (const item of value) {
      if (isObject(item)) compare(item, shape[0], inList, note);
      else note('changed_type', placeOf(inList));
    }
  } else if (typeof shape !== 'string' && !isList(shape) && isObject(value)) {
    compare(value, shape, at, note);
  } else {
    note('changed_type', placeOf(at));
  }
}

function isList(shape: ObjectShape | readonly [ObjectShape]): shape is readonly [ObjectShape] {
  return Array.isArray(shape);
}

/** `[]` at the end of a step stands for every item of the list; a list that is not there misses nothing. */
function isMissing(value: Json | undefined, [step = '', ...rest]: string[]): boolean {
  if (!isObject(value)) return false;
  if (!step.endsWith('[]')) {
    const next = value[step] ?? null;
    return next === null || (rest.length > 0 && isMissing(next, rest));
  }
  const items = value[step.slice(0, -2)];
  return Array.isArray(items) && items.some((item) => isMissing(item, rest));
}
