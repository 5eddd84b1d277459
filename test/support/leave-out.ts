/**
 * Says which tests are left out and why; with CI=true every test must run. Not by `console`, because Jest shows nothing of a file whose tests
 * are all skipped.
 */
export function leaveOut(tests: string, missing: string): void {
  if (process.env['CI'] === 'true') throw new Error(`${missing}: with CI=true every test must run`);
  process.stderr.write(`\n${missing}: ${tests} left out\n`);
}
