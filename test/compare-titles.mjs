// Shows that no fact was lost when tests were moved, merged or renamed. Compares the full titles of two states of the project:
//
//   npm test -- --json --outputFile=before.json                      at the older commit
//   npm test -- --json --outputFile=test.json                        at this one, and test:system and test:pages likewise
//   node test/compare-titles.mjs before.json test.json system.json pages.json
//
// Every old title must be there still, or stand in moved-tests.json beside the title that shows the same fact now and the
// expectations that were kept.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const [before, ...after] = process.argv.slice(2);
if (!before || after.length === 0) {
  console.error('usage: node test/compare-titles.mjs before.json after.json [after.json …]');
  process.exit(2);
}
const titlesIn = (file) =>
  JSON.parse(readFileSync(file, 'utf8')).testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'passed' || status === 'failed').map(({ fullName }) => fullName),
  );
const was = titlesIn(before);
const is = new Set(after.flatMap(titlesIn));
const moved = JSON.parse(readFileSync(path.join(import.meta.dirname, 'moved-tests.json'), 'utf8'));
const problems = [];

for (const { old, new: now, expects } of moved) {
  if (!is.has(now)) problems.push(`moved-tests.json names a test that is not there: ${now}`);
  if (!expects?.length) problems.push(`moved-tests.json names no expectation that was kept of: ${old}`);
}
const known = new Set(moved.map(({ old }) => old));
for (const title of new Set(was)) {
  if (!is.has(title) && !known.has(title)) problems.push(`lost: ${title}`);
}
for (const problem of problems) console.log(problem);
const kept = [...new Set(was)].filter((title) => is.has(title)).length;
console.log(
  `${was.length} titles before (${new Set(was).size} different): ${kept} as they were, ${known.size} moved; ${is.size} different ones now; ${problems.length} problems`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
