import { bodyView } from './receipt-view.js';

const view = (body: string) => bodyView(Buffer.from(body), (text) => text);

it('shows JSON nested 200 deep as JSON, and deeper JSON as text only', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`;
  expect(view(nested(200)).json).toEqual(JSON.parse(nested(200)));
  for (const depth of [201, 100_000]) expect(view(nested(depth))).toMatchObject({ body: nested(depth), json: null });
});

it('shows brackets within texts as the texts they are', () => {
  const text = '["'.repeat(300);
  expect(view(JSON.stringify({ text })).json).toEqual({ text });
});

it('shows what is not JSON as text', () => expect(view('"\\"').json).toBeNull());
