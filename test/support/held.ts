/** Work that is not finished before it is told to be. */
export function held() {
  let finish = () => undefined as void;
  const inHand = new Promise<void>((resolve) => (finish = resolve));
  return { inHand, finish };
}
