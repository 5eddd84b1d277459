import type { MessageReason } from '../../src/alerts/alert-message.js';
import { AlertBoard, type AlertEvent } from './alert-board.js';

const told = (reason: MessageReason, dedupKey = 'a/1'): AlertEvent =>
  ({
    type: `alert.${reason}`,
    timestamp: '2026-01-01T00:00:00.000Z',
    data: { reason, dedupKey, summary: `${reason} ${dedupKey}`, alert: {}, sample: [], shared: [] },
  }) as unknown as AlertEvent;

it('is one card for each opening of an alert, with its messages in order', () => {
  const board = new AlertBoard();
  const states = (['opened', 'grew', 'resolved'] as const).map((reason, i) => board.take(`${i}`, told(reason))?.state);
  expect(states).toEqual(['open', 'growing', 'resolved']);
  board.take('3', told('reopened', 'a/2'));
  expect(board.cards()).toMatchObject([
    { key: 'a/1', state: 'resolved', messages: [{ reason: 'opened' }, { reason: 'grew' }, { reason: 'resolved' }] },
    { key: 'a/2', state: 'again', messages: [{ reason: 'reopened' }] },
  ]);
  expect(board.newest).toBe('reopened a/2');
});

it('shows a message once, however often it comes', () => {
  const board = new AlertBoard();
  board.take('1', told('opened'));
  board.take('2', told('resolved'));
  expect(board.take('1', told('opened'))).toBeNull();
  expect(board.cards()).toMatchObject([{ state: 'resolved', messages: [{ id: '1' }, { id: '2' }] }]);
});

it('forgets what is over first', () => {
  const board = new AlertBoard();
  board.take('open', told('opened', 'open/1'));
  board.take('over', told('resolved', 'over/1'));
  for (let i = 0; i < 99; i++) board.take(`${i}`, told('opened', `${i}/1`));
  const keys = board.cards().map(({ key }) => key);
  expect(keys).toHaveLength(100);
  expect(keys).toContain('open/1');
  expect(keys).not.toContain('over/1');
});
