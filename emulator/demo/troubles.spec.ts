import { draw } from '../draw.js';
import { KINDS } from '../kinds/kinds.js';
import { troubledOrders, type TroubledOrder } from './troubles.js';

const played = ({ order }: TroubledOrder, place: number) => {
  const plan = KINDS[order.api].plan(draw(place), { ...order, vendorJobId: `job-${place}`, userData: '{}' });
  const text = JSON.stringify(plan.document({ submittedAt: 0, startsAt: 1, endsAt: 2 }, 3));
  return { expected: plan.expectedStatus, text };
};

it.each([0, 1, 2, 3])('trouble %i has one cause, and is over when what goes in is whole again', (number) => {
  const orders = troubledOrders(number, draw(number));
  const accounts = new Set(orders.map(({ account, order }) => `${account} ${order.api}`));
  expect(accounts.size).toBe(1);
  const failing = orders.filter(({ order }) => order.outcome !== 'succeeded');
  const mended = orders.filter(({ order }) => order.outcome === 'succeeded');
  expect(failing.length).toBeGreaterThan(9);
  for (const [place, each] of failing.entries()) {
    const { expected, text } = played(each, place);
    expect(expected).toMatch(/failed$/);
    expect(text).toContain(each.order.error?.code);
    // Whatever went into it can be seen to be what they have in common.
    if (each.order.input) expect(text).toContain(each.order.input);
  }
  expect(mended.length).toBeGreaterThan(1);
  for (const [place, each] of mended.entries()) expect(played(each, place).expected).toBe('succeeded');
  // Whoever is fixed first is no success after the last failure.
  const lastEnd = Math.max(...failing.map(({ afterMs, order }) => afterMs + (order.durationMs ?? 0)));
  expect(Math.min(...mended.map(({ afterMs }) => afterMs))).toBeGreaterThan(lastEnd);
});
