import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JobSeen, Json } from '../src/domain/observation.js';
import { readImsCallback } from '../src/vendors/alibaba/ims-callback.js';
import { contractChanges } from '../src/vendors/contract.js';
import { parseJson } from '../src/vendors/readers.js';
import { VENDOR_APIS } from '../src/vendors/registry.js';
import type { VendorApi } from '../src/vendors/vendor-api.js';

const FIXTURES = path.join(import.meta.dirname, 'fixtures');

/** An API's fixtures: `<case>.payload.json` beside the `<case>.observation.json` it must become. */
function casesOf(api: VendorApi): string[] {
  return readdirSync(folderOf(api))
    .filter((file) => file.endsWith('.payload.json'))
    .map((file) => file.replace('.payload.json', ''));
}

function folderOf(api: VendorApi): string {
  return path.join(FIXTURES, api.name.replace('/', '-'));
}

function payload(api: VendorApi, name: string): Json {
  const parsed = parseJson(readFileSync(path.join(folderOf(api), `${name}.payload.json`), 'utf8'));
  if (!parsed) throw new Error(`${name} is not JSON`);
  return parsed.value;
}

/**
 * The ids that the call asked for: those that the document speaks of, unless `<case>.asked.json` lists them, as it must
 * where the document says something by leaving jobs out.
 */
function askedIn(api: VendorApi, name: string, document: Json): string[] {
  const file = path.join(folderOf(api), `${name}.asked.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as string[];
  return api.readAnswer(document, []).map(({ vendorJobId }) => vendorJobId);
}

function observe(api: VendorApi, name: string): JobSeen[] {
  const document = payload(api, name);
  if (!name.startsWith('callback-')) return api.readAnswer(document, askedIn(api, name, document));
  const callback = readImsCallback(document);
  if (!api.callback || callback?.vendorJobId == null) return [];
  expect(api.callback.events).toContain(callback.event.type);
  return [api.callback.read(callback.event, callback.vendorJobId)];
}

/** As it stands in a fixture: dates as text, and the vendor's own objects left out, since the payload shows them. */
function comparable(seen: JobSeen[]): unknown {
  return JSON.parse(
    JSON.stringify(seen, (key, value: unknown) => (key === 'document' || key === 'raw' ? undefined : value)),
  );
}

/** A new case has no observation yet: it is written as it is read, for a person to check against the vendor's page. */
function expected(api: VendorApi, name: string): unknown {
  const file = path.join(folderOf(api), `${name}.observation.json`);
  if (!existsSync(file) && !process.env['CI']) {
    writeFileSync(file, `${JSON.stringify(comparable(observe(api, name)), null, 2)}\n`);
    throw new Error(`${file} was missing and has been written: check it line by line, then run this again`);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Puts `value` in the place of every value of a document, one after the other. */
function* variants(document: Json, value: Json): Generator<Json> {
  if (typeof document !== 'object' || document === null) return;
  const entries = Object.entries(document);
  for (const [key, item] of entries) {
    const put = (changed: Json): Json =>
      Array.isArray(document)
        ? document.map((old, i) => (String(i) === key ? changed : old))
        : Object.fromEntries(entries.map(([k, old]) => [k, k === key ? changed : old]));
    yield put(value);
    for (const changed of variants(item, value)) yield put(changed);
  }
}

describe.each(VENDOR_APIS.map((api) => [api.name, api] as const))('%s', (_, api) => {
  it("has the vendor's own sample among its fixtures", () => {
    expect(casesOf(api)).toContain('vendor-sample');
  });

  it.each(casesOf(api))('reads %s as its fixture says', (name) => {
    expect(comparable(observe(api, name))).toEqual(expected(api, name));
  });

  it('breaks no contract by what the vendor documents, and does by what it does not', () => {
    const isOdd = (name: string) => name === 'unknown-word' || name === 'dirty';
    const answers = casesOf(api).filter((name) => !name.startsWith('callback-'));
    expect(answers).not.toHaveLength(0);
    for (const name of answers) {
      const changes = observe(api, name).flatMap((seen) => (seen.found ? contractChanges(api.contract, seen) : []));
      if (!isOdd(name)) expect({ name, changes }).toEqual({ name, changes: [] });
      if (name === 'unknown-word') expect(changes).toContainEqual(expect.objectContaining({ change: 'unknown_word' }));
    }
  });

  it.each(casesOf(api))('keeps every field of %s findable in the document', (name) => {
    const document = JSON.stringify(observe(api, name).map((seen) => seen.document));
    const texts = JSON.stringify(payload(api, name)).match(/"[^"]{4,}"(?=[,}\]])/g) ?? [];
    const envelope = /RequestId|EventType|EventTime|UserId/;
    const outside = new Set(
      Object.entries(payload(api, name) as object)
        .filter(([key]) => envelope.test(key))
        .map(([, value]) => JSON.stringify(value)),
    );
    const inside = texts.filter((text) => !outside.has(text));
    // An answer about no job has no field.
    expect(inside.length > 0).toBe(name !== 'none');
    for (const text of inside) expect(document).toContain(text);
  });

  it('survives any value in the place of any other', () => {
    let read = 0;
    const tooLong: string[] = [];
    for (const name of casesOf(api)) {
      for (const odd of [null, '', 'odd', -1, 1e200, true, [], {}, [[{}]], 'x'.repeat(10_000)]) {
        for (const document of variants(payload(api, name), odd)) {
          read++;
          const seen = name.startsWith('callback-') ? readImsCallback(document) : api.readAnswer(document, ['asked']);
          // Told at the end, because an assertion takes longer than reading a document.
          if (Array.isArray(seen)) for (const { vendorJobId: id } of seen) if (id.length > 256) tooLong.push(id);
          if (!Array.isArray(seen) && seen?.vendorJobId != null) api.callback?.read(seen.event, seen.vendorJobId);
        }
      }
    }
    expect(read).toBeGreaterThan(0);
    expect(tooLong).toEqual([]);
  });

  it('takes no other document for its own', () => {
    for (const document of [
      null,
      [],
      'text',
      7,
      {},
      { Job: [] },
      { Code: 'Throttling' },
      { Job: { Code: 'JobNotFound' } },
      { job_array: {} },
      { error_code: 'MPC.10202', error_msg: 'Invalid request parameter.' },
    ]) {
      expect(api.readAnswer(document as Json, ['asked'])).toEqual([]);
    }
  });

  it('asks for every job it was given', () => {
    const ids = Array.from({ length: api.idsPerCall }, (_, i) => `job-${i}`);
    expect(ids).not.toHaveLength(0);
    const query = JSON.stringify(api.query(ids));
    for (const id of ids) expect(query).toContain(id);
  });
});
