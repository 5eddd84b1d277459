import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Metrics } from './metrics.js';

const RULES = path.join(import.meta.dirname, '../../docs/alerting/rules.yml');

describe('the rules for Prometheus', () => {
  it('ask for nothing that Callsheet does not tell', async () => {
    const text = readFileSync(RULES, 'utf8');
    const asked = new Set([...text.matchAll(/\bcallsheet_\w+/g)].map(([name]) => name));
    const told = new Set((await new Metrics().registry.getMetricsAsJSON()).map(({ name }) => name));
    expect(asked.size).toBeGreaterThan(5);
    for (const name of asked) expect(told).toContain(name);
  });
});
