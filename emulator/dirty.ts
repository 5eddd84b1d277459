/** Texts that carry a stray line break somewhere in the vendor's own samples (sheet section 5.4, data-quality traps). */
const BROKEN_LINES = new Set([
  'Code',
  'Message',
  'Media',
  'TemplateId',
  'JobId',
  'CreateTime',
  'ModifiedTime',
  'CompleteTime',
  'FinishTime',
]);
const NUMBERS_AS_TEXT = new Set(['Duration', 'Progress', 'Percent']);
const SUCCESS = new Set(['Success', 'Complete']);
const IGNORABLE = { code: 'InvalidParameter.ResourceContentBad', message: 'The resource operated InputFile is bad' };

/**
 * The same document as untidy as the vendor's samples: it says the same about every status, id, time and file. `chosen`
 * decides by path, so that one job is dirty in the same places each time it is asked for.
 */
export function dirtied(value: unknown, chosen: (path: string) => boolean, path = ''): unknown {
  if (Array.isArray(value)) return value.map((item, index) => dirtied(item, chosen, `${path}/${index}`));
  if (typeof value !== 'object' || value === null) return value;

  const fields = Object.entries(value).map(([key, field]) => {
    const place = `${path}/${key}`;
    return [key, chosen(place) ? spoiled(key, field, place, value) : field, place] as const;
  });
  return {
    ...Object.fromEntries(fields.map(([key, field, place]) => [key, dirtied(field, chosen, place)])),
    ...(chosen(`${path}/error`) && ignorableError(value, path)),
  };
}

function spoiled(key: string, field: unknown, path: string, owner: object): unknown {
  if (typeof field === 'string' && BROKEN_LINES.has(key)) return `${field}\n`;
  if (typeof field === 'string' && key === 'ClientToken') return `${field} `;
  // The one value that is lost and not only untidy; the vendor's sample has it just here.
  if (key === 'Bitrate' && path.includes('AudioStreamInfoList')) return '0.f';
  if (key === 'Percent' && succeeded(owner)) return 0;
  if (typeof field === 'number' && NUMBERS_AS_TEXT.has(key)) return String(field);
  return field;
}

/** An error beside success, under the names that it has in this place. */
function ignorableError(owner: object, path: string): Record<string, string> {
  const named = { ErrorCode: IGNORABLE.code, ErrorMessage: IGNORABLE.message };
  if (path.includes('/SubJobList/')) return succeeded(owner) ? named : {};
  if (isFinishedBatch(owner)) return { Extend: JSON.stringify(named) };
  return succeeded(owner) && !('Code' in owner) ? { Code: IGNORABLE.code, Message: IGNORABLE.message } : {};
}

/** With a result to its name: without one an error would tell how it ended. */
function isFinishedBatch(owner: object): boolean {
  const { Status, SubJobList } = owner as { Status?: unknown; SubJobList?: unknown };
  return Status === 'Finished' && Array.isArray(SubJobList) && SubJobList.some(succeeded);
}

function succeeded(owner: object): boolean {
  const { Status, State } = owner as { Status?: unknown; State?: unknown };
  return SUCCESS.has(String(Status ?? State));
}
